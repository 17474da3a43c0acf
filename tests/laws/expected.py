"""A top-up as the oracle expects it."""

from dataclasses import dataclass, field
from typing import Any

from app.model import EventType, Status, UserId

CLOSED_AS = {
    EventType.PAYMENT_FAILED: Status.FAILED,
    EventType.TOPUP_CANCELLED: Status.CANCELLED,
    EventType.TOPUP_EXPIRED: Status.EXPIRED,
}
DETAILS = (
    "checkout_url",
    "qr_code",
    "bank_bin",
    "account_number",
    "account_name",
    "transfer_message",
)
"""What PayOS tells about a payment link beside its id."""


@dataclass
class Expected:
    """`*_seq` name the event whose recording is the time in question."""

    user_id: UserId
    order_code: int
    amount: int
    expiry_seconds: float
    idempotency_key: str | None = None
    link: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    amount_paid: int = 0
    status: Status = Status.PENDING
    late: bool = False
    confirmed_seq: int | None = None
    closed_seq: int | None = None
    doubtful: bool = False
    """A transfer of a webhook is held: PayOS is asked, and may list both."""
    history: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def seq(self) -> int:
        return len(self.history)

    def link_to(self, data: dict[str, Any]) -> None:
        """The link stays as it was first told; of the details, what is told anew counts."""
        self.link = self.link or data["payment_link_id"]
        self.details |= {name: data[name] for name in DETAILS if data.get(name)}

    def credit(self, amount: int) -> None:
        self.late = self.late or self.status in CLOSED_AS.values()
        self.closed_seq = None
        self.amount_paid += amount
        if self.amount_paid < self.amount:
            self.status = Status.UNDERPAID
        else:
            self.status = Status.CONFIRMED
            self.confirmed_seq = self.confirmed_seq or self.seq + 1

    def close(self, status: Status) -> None:
        if self.status == Status.PENDING:
            self.status, self.closed_seq = status, self.seq + 1
