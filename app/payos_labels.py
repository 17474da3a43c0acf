"""What is said of the talk with PayOS in metrics and in the log: the values of the labels."""

from enum import StrEnum


class PayOSCaller(StrEnum):
    """Who waits for the answer. Neither kind takes places from the other, or learns of its
    breaker."""

    PAYER = "payer"
    BACKGROUND = "background"


class PayOSOperation(StrEnum):
    """What PayOS is asked for."""

    CREATE = "create"
    FIND = "find"
    CANCEL = "cancel"
    CONFIRM_WEBHOOK = "confirm_webhook"


class PayOSOutcome(StrEnum):
    """What came of one call."""

    OK = "ok"
    REFUSED = "refused"  # PayOS decided, with a business code
    UNREADABLE = "unreadable"  # an answer that makes no sense
    NO_ANSWER = "no_answer"
    RATE_LIMITED = "rate_limited"  # 429
    BREAKER_OPEN = "breaker_open"  # not made: PayOS gave no answers
    NO_PLACE = "no_place"  # not made: too many others are
    CANCELLED = "cancelled"  # nobody wanted the answer any more


class SignedThing(StrEnum):
    """What PayOS signs."""

    WEBHOOK = "webhook"
    ANSWER = "answer"


class KeyPosition(StrEnum):
    """Which of the keys in PAYOS_CHECKSUM_KEY, the newest first: never the key itself."""

    FIRST = "first"  # it signs what we send
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"

    @classmethod
    def of(cls, position: int) -> "KeyPosition":
        """The word for a position, counted from 1."""
        return tuple(cls)[position - 1]
