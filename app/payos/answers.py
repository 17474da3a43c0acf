"""What PayOS answers about a payment link, read strictly where it matters and no further.

Readers raise InvalidRequest that names the field; fields that we do not use may be anything.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from app.errors import InvalidRequest
from app.model import Fact, PaymentLink
from app.payos.fields import (
    Fields,
    fault,
    loose_text,
    payment_link_id,
    required_text,
    text,
    whole,
)
from app.payos.transfer import Transfer, is_blank, recorded_reference

SOURCE = "payos.get"
PENDING, PAID, UNDERPAID = "PENDING", "PAID", "UNDERPAID"
CLOCKS_APART_MAX = timedelta(minutes=2)
"""PayOS's and that of the database, which is kept by NTP."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class LinkState:
    """How PayOS sees a link: amounts in đồng, `status` in its own words (PENDING, PAID …).

    `unreadable_transfers`: how many entries make no sense, or have no reference to be told apart
    by; 1 where all do, and more was paid than they add up to, by amount or by status. Somebody has
    to look at them; the link, and whatever else came to it, is known all the same.
    `created_at` is None where PayOS does not say it, or not with an offset.
    """

    payment_link_id: str
    order_code: int
    amount: int
    amount_paid: int
    status: str
    transfers: tuple[Transfer, ...]
    unreadable_transfers: int = 0
    created_at: datetime | None = None

    def is_older_than(self, opened_at: datetime) -> bool:
        """So that it cannot be the order of a top-up that was opened then."""
        return self.created_at is not None and self.created_at < opened_at - CLOCKS_APART_MAX

    def fact(self, transfer: Transfer, channel: str, **more: object) -> Fact:
        """What the webhook of this transfer would have given; `listed` are the references of all
        transfers, by which the database tells a second transfer from the same one. None where less
        was paid than they add up to: then two of them may be one."""
        are_all = _listed_amount(self.transfers) <= self.amount_paid
        listed = [recorded_reference(each.reference) for each in self.transfers if are_all]
        return transfer.fact(channel, source=SOURCE, listed=listed, **more)


def about(order_code: int, read: Callable[[Fields], Answer]) -> Callable[[Fields], Answer]:
    """`read`, for an answer about this order: one about another would tell of other money."""

    def read_own(data: Fields) -> Answer:
        if whole(data, "orderCode") != order_code:
            raise fault("orderCode", f"must be {order_code}, which was asked about")
        return read(data)

    return read_own


def read_created(data: Fields) -> PaymentLink:
    """The answer to a new link. What is only shown may be missing."""
    return PaymentLink(
        payment_link_id=payment_link_id(data, "paymentLinkId"),
        checkout_url=required_text(data, "checkoutUrl"),
        qr_code=required_text(data, "qrCode"),
        bank_bin=loose_text(data, "bin"),
        account_number=loose_text(data, "accountNumber"),
        account_name=loose_text(data, "accountName"),
        transfer_message=loose_text(data, "description"),
    )


def read_state(data: Fields) -> LinkState:
    """The answer to a question about a link, and to its cancelling."""
    listed = data.get("transactions") or []  # the documentation prints {} where there are none
    entries = listed if isinstance(listed, list) else [None]  # the inside of an object is unsigned
    order_code, link_id = whole(data, "orderCode"), payment_link_id(data, "id")
    read = [_read_transfer(transfer, order_code, link_id) for transfer in entries]
    transfers = tuple(transfer for transfer in read if transfer is not None)
    amount, amount_paid = whole(data, "amount"), whole(data, "amountPaid", smallest=0)
    status = required_text(data, "status")
    least = {PAID: amount, UNDERPAID: 1}.get(status, 0)
    unlisted = max(amount_paid, least) > _listed_amount(transfers)
    return LinkState(
        payment_link_id=link_id,
        order_code=order_code,
        amount=amount,
        amount_paid=amount_paid,
        status=status,
        transfers=transfers,
        unreadable_transfers=len(read) - len(transfers) or int(unlisted),
        created_at=_moment(data.get("createdAt")),
    )


def _listed_amount(transfers: Iterable[Transfer]) -> int:
    """What they add up to, in đồng: nothing but its reference tells a transfer from another."""
    return sum({transfer.reference: transfer.amount for transfer in transfers}.values())


def read_account_number(data: Fields) -> str:
    """The answer to the registration of a webhook: which account's money it will tell of."""
    return text(data, "accountNumber")


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo else None


def _read_transfer(data: object, order_code: int, link_id: str) -> Transfer | None:
    """None where it cannot be read: that must not hide the others from us."""
    try:
        if not isinstance(data, Mapping):
            return None
        transfer = Transfer.read(data, order_code, link_id)
    except InvalidRequest:
        return None
    return None if is_blank(transfer.reference) else transfer
