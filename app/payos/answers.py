"""What PayOS answers about a payment link, read strictly where it matters and no further.

Readers raise InvalidRequest that names the field; fields that we do not use may be anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.model import PaymentLink
from app.payos.fields import Fields, fault, payment_link_id, required_text, text, whole
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
    """How PayOS sees a link: amounts in đồng, `status` in its own words (PENDING, PAID …)."""

    payment_link_id: str
    order_code: int
    amount: int
    amount_paid: int
    status: str
    transfers: tuple[LinkTransfer, ...]


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
    transfers = data.get("transactions")
    if not isinstance(transfers, list):
        transfers = []  # the documentation prints {} where there are none
    return LinkState(
        payment_link_id=payment_link_id(data, "id"),
        order_code=whole(data, "orderCode"),
        amount=whole(data, "amount"),
        amount_paid=whole(data, "amountPaid", smallest=0),
        status=required_text(data, "status"),
        transfers=tuple(_read_transfer(transfer) for transfer in transfers),
    )


def read_account_number(data: Fields) -> str:
    """The answer to the registration of a webhook: which account's money it will tell of."""
    return text(data, "accountNumber")


def _read_transfer(data: object) -> LinkTransfer:
    if not isinstance(data, Mapping):
        raise fault("transactions", "must be a list of objects")
    return LinkTransfer(
        reference=text(data, "reference", nul_allowed=True),
        amount=whole(data, "amount"),
        account_number=text(data, "accountNumber"),
        description=text(data, "description"),
        at=transaction_time(text(data, "transactionDateTime")),
    )
