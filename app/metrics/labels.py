"""Every value that a label may have, in metrics and in the log. None is what a client sent."""

from enum import StrEnum


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


class StreamStart(StrEnum):
    """How a stream began."""

    FRESH = "fresh"
    RESUMED = "resumed"  # with a Last-Event-ID


class StreamRefusal(StrEnum):
    """Why a stream was answered with nothing but a time to come back."""

    OFF = "off"
    BUSY = "busy"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"  # the database is away


class StreamClose(StrEnum):
    """Why a stream is over."""

    FINAL = "final"  # nothing more will come
    GONE = "gone"  # the browser left
    SLOW = "slow"  # the reader did not keep up
    AGE = "age"
    SUPERSEDED = "superseded"  # a newer stream took its place
    LOGIN_ENDED = "login_ended"
    SHUTDOWN = "shutdown"
    LOST = "lost"  # a restored database does not know the top-up
    FAILED = "failed"  # an error of ours


class ListenerLoss(StrEnum):
    """Why the listener gave up its connection, or did not get one."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"  # an echo did not come back
    DISCONNECTED = "disconnected"
    FAILED = "failed"  # an error of ours
    DIED = "died"  # and will not connect again


class WebhookOutcome(StrEnum):
    """What came of one request to the webhook."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    SUSPENSE = "suspense"
    CONFLICT = "conflict"
    REJECTED = "rejected"
    PING = "ping"
    KEPT = "kept"  # signed, but no event: the body is kept
    BAD_SIGNATURE = "bad_signature"
    BAD_BODY = "bad_body"
    UNAVAILABLE = "unavailable"
    HUNG_UP = "hung_up"  # the sender left before all of it had come; nothing is recorded
    FAILED = "failed"


class CheckOutcome(StrEnum):
    """What came of asking PayOS about one top-up."""

    UNCHANGED = "unchanged"
    RECOVERED = "recovered"  # money that no webhook had brought
    HELD = "held"  # money that may be known already: kept for review
    CLOSED = "closed"
    LINKED = "linked"  # a payment link that we had not been told of
    UNKNOWN = "unknown"  # to PayOS
    UNREADABLE = "unreadable"  # a transfer without reference, not listed, or that makes no sense
    DENIED = "denied"  # more is credited than PayOS says was paid
    UNANSWERED = "unanswered"
    FAILED = "failed"  # an error of ours


class Pruned(StrEnum):
    """What is forgotten when it has been kept long enough."""

    BODIES = "bodies"  # raw webhooks
    SESSIONS = "sessions"  # logins that are over
    GUESSES = "guesses"  # of passwords
    LINK_CLAIMS = "link_claims"  # of processes that died
