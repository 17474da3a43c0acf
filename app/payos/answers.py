"""What PayOS answers about a payment link, read strictly where it matters and no further.

Readers raise InvalidRequest that names the field; fields that we do not use may be anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.errors import InvalidRequest
from app.model import PaymentLink
from app.payos.fields import Fields, payment_link_id, required_text, text, whole
from app.payos.transfer import transaction_time


@dataclass(frozen=True, slots=True)
class LinkTransfer:
    """A bank transfer to a link. `at` is None where PayOS's time cannot be read."""

    reference: str
    amount: int
    account_number: str
    description: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class LinkState:
    """How PayOS sees a link: amounts in đồng, `status` in its own words (PENDING, PAID …).

    `unreadable_transfers`: how many entries it listed that are no transfer as we know it. Somebody
    has to look at them; the link, and whatever else came to it, is known all the same.
    """

    payment_link_id: str
    order_code: int
    amount: int
    amount_paid: int
    status: str
    transfers: tuple[LinkTransfer, ...]
    unreadable_transfers: int = 0


def read_created(data: Fields) -> PaymentLink:
    """The answer to a new link."""
    return PaymentLink(
        payment_link_id=payment_link_id(data, "paymentLinkId"),
        checkout_url=required_text(data, "checkoutUrl"),
        qr_code=required_text(data, "qrCode"),
        bank_bin=text(data, "bin"),
        account_number=text(data, "accountNumber"),
        account_name=text(data, "accountName"),
        transfer_message=text(data, "description"),
    )


def read_state(data: Fields) -> LinkState:
    """The answer to a question about a link, and to its cancelling."""
    listed = data.get("transactions") or []  # the documentation prints {} where there are none
    entries = listed if isinstance(listed, list) else [listed]
    transfers = [transfer for entry in entries if (transfer := _read_transfer(entry)) is not None]
    return LinkState(
        payment_link_id=payment_link_id(data, "id"),
        order_code=whole(data, "orderCode"),
        amount=whole(data, "amount"),
        amount_paid=whole(data, "amountPaid", smallest=0),
        status=required_text(data, "status"),
        transfers=tuple(transfers),
        unreadable_transfers=len(entries) - len(transfers),
    )


def read_account_number(data: Fields) -> str:
    """The answer to the registration of a webhook: which account's money it will tell of."""
    return text(data, "accountNumber")


def _read_transfer(data: object) -> LinkTransfer | None:
    """None where `data` is no transfer as we know it."""
    if not isinstance(data, Mapping):
        return None
    try:
        return LinkTransfer(
            reference=text(data, "reference", nul_allowed=True),
            amount=whole(data, "amount"),
            account_number=text(data, "accountNumber"),
            description=text(data, "description"),
            at=transaction_time(text(data, "transactionDateTime")),
        )
    except InvalidRequest:
        return None
