"""What the simulated bank knows: the receiving account, the orders, the transfers. In memory."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from app.model import VIETNAM
from app.payos.simulator.vietqr import vietqr

PREFIX_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class UnknownOrder(Exception):
    """There is no payment link with this order code or id."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the money goes."""

    bank_bin: str = "970422"
    bank_name: str = "MB Bank"
    number: str = "0901234567890"
    name: str = "CUA HANG NAP VI"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money that arrived, in đồng. `listed_as` is its reference where PayOS is asked; `nameless`:
    its webhook tells none."""

    reference: str
    amount: int
    at: datetime
    listed_as: str
    nameless: bool = False


@dataclass(slots=True)
class Order:
    """One payment link and what happened to it. `message` is what the payer's bank sends along;
    `foreign`: another installation on the same channel has made it."""

    order_code: int
    amount: int
    description: str
    return_url: str
    cancel_url: str
    expires_at: datetime | None
    account: Account
    payment_link_id: str = field(default_factory=lambda: secrets.token_hex(16))
    prefix: str = field(
        default_factory=lambda: "CS" + "".join(secrets.choice(PREFIX_CHARACTERS) for _ in range(9))
    )
    created_at: datetime = field(default_factory=lambda: datetime.now(VIETNAM))
    transfers: list[Transfer] = field(default_factory=list)
    cancelled_at: datetime | None = None
    cancellation_reason: str | None = None
    foreign: bool = False

    @property
    def message(self) -> str:
        return f"{self.prefix} {self.description}"

    @property
    def amount_paid(self) -> int:
        return sum(transfer.amount for transfer in self.transfers)

    @property
    def amount_remaining(self) -> int:
        return max(0, self.amount - self.amount_paid)

    @property
    def status(self) -> str:
        """One of PayOS's words for the state of a link."""
        if self.cancelled_at is not None:
            return "CANCELLED"
        if self.amount_remaining == 0:
            return "PAID"
        if self.expires_at is not None and datetime.now(VIETNAM) >= self.expires_at:
            return "EXPIRED"
        return "UNDERPAID" if self.transfers else "PENDING"

    @property
    def qr_code(self) -> str:
        bank_bin, number = self.account.bank_bin, self.account.number
        return vietqr(bank_bin, number, self.amount_remaining or self.amount, self.message)

    def receive(
        self, amount: int, *, two_references: bool = False, nameless: bool = False
    ) -> Transfer:
        """Takes money in whatever state the order is: a bank does not ask."""
        now = datetime.now(VIETNAM).replace(microsecond=0)
        reference = _new_reference(now)
        listed_as = _new_reference(now) if two_references else reference
        transfer = Transfer(reference, amount, now, listed_as, nameless)
        self.transfers.append(transfer)
        return transfer

    def cancel(self, reason: str | None) -> None:
        """Closes the order; money may still come. Nothing happens where it is closed already."""
        if self.status in ("PENDING", "UNDERPAID", "EXPIRED"):
            self.cancelled_at = datetime.now(VIETNAM).replace(microsecond=0)
            self.cancellation_reason = reason

    def expire(self) -> None:
        """Makes it too late to pay, by the clock of the bank."""
        now = datetime.now(VIETNAM)
        self.expires_at = min(now, self.expires_at or now)


class Orders:
    """Every order, by its code and by the id of its link; the two never look alike."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}

    def add(self, order: Order) -> bool:
        """Whether the order was taken: its code is new."""
        if str(order.order_code) in self._orders:
            return False
        self._orders[str(order.order_code)] = order
        self._orders[order.payment_link_id] = order
        return True

    def __iter__(self) -> Iterator[Order]:
        """Each order once."""
        return iter({id(order): order for order in self._orders.values()}.values())

    def find(self, code_or_link_id: str) -> Order:
        """Raises UnknownOrder."""
        order = self._orders.get(code_or_link_id)
        if order is None:
            raise UnknownOrder(code_or_link_id)
        return order


def _new_reference(now: datetime) -> str:
    return f"FT{now:%y%j}{secrets.randbelow(10**9):09}"
