"""What became of each payment of a storm, as the payer and the bank saw it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.payos.simulator.bank import Order


@dataclass(slots=True)
class Payment:
    """One top-up. `order` is what the bank knows of it, None until it was opened.

    `paid_at` and `seen_at` are seconds of the monotonic clock: the last transfer (or the answer of
    init, where the money came before that), and when its payer saw all of the money.
    """

    amount: int
    pays_the_rest: bool
    tx_ref: str = ""
    order: Order | None = None
    paid_at: float = math.nan
    seen_at: float | None = None
    complaint: str = ""

    @property
    def received(self) -> int:
        return self.order.amount_paid if self.order else 0

    @property
    def may_be_seen(self) -> set[int]:
        """What the payer may see in the end: without a reference in its webhook a transfer waits
        for a person, unless PayOS was asked before."""
        sums = {self.received}
        for transfer in self.order.transfers if self.order else ():
            if transfer.nameless:
                sums |= {total - transfer.amount for total in sums}
        return sums

    @property
    def seconds(self) -> float:
        """From the money to the sight of it; NaN if that never came."""
        return math.nan if self.seen_at is None else self.seen_at - self.paid_at


@dataclass(frozen=True, slots=True)
class Wallet:
    """A payer's. `paid` is what the bank saw, `nameless` the part of it that may be in suspense."""

    name: str
    paid: int
    nameless: int
    balance: int | None

    @property
    def agrees(self) -> bool:
        return self.balance is not None and self.paid - self.nameless <= self.balance <= self.paid


@dataclass(slots=True)
class Tally:
    """A storm that is over. `foreign_total` is at the bank for orders of another installation:
    in suspense, where napvi has asked about them."""

    payments: list[Payment]
    wallets: list[Wallet] = field(default_factory=list)
    bank_total: int = 0
    foreign_total: int = 0
    transfers: int = 0

    @property
    def unsettled(self) -> list[Payment]:
        return [payment for payment in self.payments if payment.seen_at is None]

    @property
    def seconds(self) -> list[float]:
        """Of every payment that was settled in full, the shortest first."""
        return sorted(
            p.seconds
            for p in self.payments
            if p.seen_at is not None and p.may_be_seen == {p.received}
        )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest of `ordered` that at least `share` of them do not exceed; NaN of none."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
