"""Every way in which the simulator can misbehave, and where each of them bites.

docs/simulator.md has a row for each; a test compares both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.errors import InvalidRequest

Rates = Mapping["Fault", float]
"""How often each fault is drawn, from 0 to 1."""


class Place(StrEnum):
    """Where a fault bites. One payment meets one fault at each place, at most."""

    CREATE = "create"
    PAYMENT = "payment"
    DELIVERY = "delivery"
    ANSWER = "answer"
    QUESTION = "question"
    CALL = "call"


OF_A_PAYMENT = frozenset(Place) - {Place.CREATE, Place.CALL}


class Fault(StrEnum):
    """A fault, by the name that the page, the API and the command line know it by."""

    SLOW_CREATE = "slow-create"
    NO_ANSWER = "no-answer"
    WEBHOOK_FIRST = "webhook-first"
    CODE_TAKEN = "code-taken"
    CODE_TAKEN_PAID = "code-taken-paid"
    CODE_TAKEN_PENDING = "code-taken-pending"
    HANG = "hang"
    HTML = "html"
    PARTIAL = "partial"
    OVER = "over"
    LATE = "late"
    AFTER_CANCEL = "after-cancel"
    DUPLICATE = "duplicate"
    PARALLEL = "parallel"
    REORDER = "reorder"
    DELAY = "delay"
    DROP = "drop"
    WRONG_SIGNATURE = "wrong-signature"
    NEW_FIELD = "new-field"
    MISSING_FIELD = "missing-field"
    MISSING_REFERENCE = "missing-reference"
    OTHER_AMOUNT = "other-amount"
    RETRY = "retry"
    OTHER_REFERENCE = "other-reference"
    SERVER_ERROR = "server-error"
    RATE_LIMIT = "rate-limit"

    @property
    def place(self) -> Place:
        return FAULTS[self].place


@dataclass(frozen=True, slots=True)
class Entry:
    """`label` is what the checkout page calls it; `sentence` what it does."""

    place: Place
    label: str
    sentence: str


FAULTS: Mapping[Fault, Entry] = MappingProxyType(
    {
        Fault.SLOW_CREATE: Entry(
            Place.CREATE, "Tạo link chậm", "The link is made at once and answered later."
        ),
        Fault.NO_ANSWER: Entry(
            Place.CREATE, "Tạo link không trả lời", "The link is made and never answered."
        ),
        Fault.WEBHOOK_FIRST: Entry(
            Place.CREATE,
            "Webhook đến trước",
            "The link is paid in full, and the webhook sent, before create answers.",
        ),
        Fault.CODE_TAKEN: Entry(
            Place.CREATE, "Trùng mã đơn", "Create answers code 231, and no link is made."
        ),
        Fault.CODE_TAKEN_PAID: Entry(
            Place.CREATE,
            "Mã của đơn lạ đã trả",
            "Somebody else's order of the same amount has the code, and is paid: code 231.",
        ),
        Fault.CODE_TAKEN_PENDING: Entry(
            Place.CREATE,
            "Mã của đơn lạ chưa trả",
            "Somebody else's order of the same amount has the code, and is open: code 231.",
        ),
        Fault.HANG: Entry(
            Place.CREATE, "Treo kết nối", "No link is made, and the connection hangs."
        ),
        Fault.HTML: Entry(
            Place.CREATE, "Trang HTML", "No link is made, and the answer is HTML with status 200."
        ),
        Fault.PARTIAL: Entry(Place.PAYMENT, "Trả một nửa", "Half of the money comes."),
        Fault.OVER: Entry(Place.PAYMENT, "Trả dư", "10,000 đồng too much come."),
        Fault.LATE: Entry(
            Place.PAYMENT, "Trả sau khi hết hạn", "The link expires, then it is paid."
        ),
        Fault.AFTER_CANCEL: Entry(
            Place.PAYMENT, "Trả sau khi huỷ", "The link is cancelled, then it is paid."
        ),
        Fault.DUPLICATE: Entry(
            Place.DELIVERY, "Gửi hai lần", "The webhook is sent twice, one after the other."
        ),
        Fault.PARALLEL: Entry(
            Place.DELIVERY, "Gửi song song", "The webhook is sent five times at the same moment."
        ),
        Fault.REORDER: Entry(
            Place.DELIVERY, "Đảo thứ tự", "The webhook is held back until another one has gone."
        ),
        Fault.DELAY: Entry(Place.DELIVERY, "Gửi trễ", "The webhook is sent later."),
        Fault.DROP: Entry(Place.DELIVERY, "Mất webhook", "The webhook is never sent."),
        Fault.WRONG_SIGNATURE: Entry(
            Place.DELIVERY,
            "Sai chữ ký",
            "The webhook is signed with another key, and a moment later sent with the right one.",
        ),
        Fault.NEW_FIELD: Entry(
            Place.DELIVERY, "Thêm trường lạ", "The webhook has a field that nobody knows."
        ),
        Fault.MISSING_FIELD: Entry(
            Place.DELIVERY, "Thiếu trường", "The webhook lacks the fields that may be null."
        ),
        Fault.MISSING_REFERENCE: Entry(
            Place.DELIVERY, "Thiếu mã giao dịch", "The webhook lacks the reference of the transfer."
        ),
        Fault.OTHER_AMOUNT: Entry(
            Place.DELIVERY,
            "Cùng mã, khác số tiền",
            "The webhook is followed by one with the same reference and 1,000 đồng more.",
        ),
        Fault.RETRY: Entry(
            Place.ANSWER,
            "Gửi lại khi bị từ chối",
            "A webhook that is not answered with 2xx is sent again, five times at most.",
        ),
        Fault.OTHER_REFERENCE: Entry(
            Place.QUESTION,
            "GET khác mã giao dịch",
            "Whoever asks for the link finds the transfer under another reference.",
        ),
        Fault.SERVER_ERROR: Entry(
            Place.CALL, "Lỗi máy chủ", "Nothing is done, and the answer is 503: again in a minute."
        ),
        Fault.RATE_LIMIT: Entry(
            Place.CALL, "Quá nhiều yêu cầu", "Nothing is done, and the answer is 429: again in 1 s."
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the faults take that take time."""

    slow_seconds: float = 2.0
    hang_seconds: float = 60.0
    delay_seconds: float = 2.0
    hold_seconds_max: float = 2.0
    retry_seconds: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0)


def find_fault(name: object, places: Iterable[Place] = Place) -> Fault:
    """The fault of that name. Raises InvalidRequest that lists those that bite at `places`."""
    known = {fault.value: fault for fault, entry in FAULTS.items() if entry.place in places}
    if not isinstance(name, str) or name not in known:
        choice = ", ".join(known)
        raise InvalidRequest(f"There is no fault {name!r} here. There are {choice}.")
    return known[name]


def read_rates(rates: Mapping[str, object]) -> dict[Fault, float]:
    """Rates by name. Raises InvalidRequest for an unknown name and for what is no rate."""
    return {find_fault(name): _rate(name, rate) for name, rate in rates.items()}


def _rate(name: str, rate: object) -> float:
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise InvalidRequest(f"The rate of {name} must be a number from 0 to 1.")
    return float(rate)
