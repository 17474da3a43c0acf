"""The words of reconciliation: what PayOS is asked about, and what its answer brought."""

from dataclasses import dataclass, field
from datetime import datetime

from app.metrics.labels import CheckOutcome
from app.model import Status, TxRef


@dataclass(frozen=True, slots=True)
class Order:
    """A top-up as PayOS is asked about it. Source: topup.topups.

    `linked`: somebody was told where to pay. `payable`: by the clock of the database, with the
    margin of topup.payable_until. `credited`: what transfers to this order brought it, in đồng;
    not what a person assigned, or what named it under another order code.
    """

    tx_ref: TxRef
    order_code: int
    amount: int
    status: Status
    opened_at: datetime
    payment_link_id: str | None
    linked: bool
    payable: bool
    credited: int


@dataclass(slots=True)
class Findings:
    """What asking about one top-up brought. Amounts in đồng.

    `recovered`: transfers that no webhook had brought, credited to a wallet; `suspended`: such
    transfers that went to suspense; `held`: transfers kept for review, not credited;
    `unreadable`: transfers without a reference, that make no sense, or that are not listed at all;
    `denied`: how much more is credited than PayOS says was paid, once the time to pay is over;
    `known`: PayOS told of our order, and not of none, or of somebody else's under its code.
    """

    recovered: list[int] = field(default_factory=list)
    suspended: list[int] = field(default_factory=list)
    held: int = 0
    unreadable: int = 0
    denied: int = 0
    known: bool = True
    linked: bool = False
    closed: bool = False

    @property
    def outcome(self) -> CheckOutcome:
        """The weightiest of them."""
        found = {
            CheckOutcome.DENIED: self.denied,
            CheckOutcome.UNREADABLE: self.unreadable,
            CheckOutcome.HELD: self.held,
            CheckOutcome.RECOVERED: self.recovered or self.suspended,
            CheckOutcome.CLOSED: self.closed,
            CheckOutcome.LINKED: self.linked,
            CheckOutcome.UNKNOWN: not self.known,
        }
        return next((outcome for outcome in found if found[outcome]), CheckOutcome.UNCHANGED)
