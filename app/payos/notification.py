"""The shape of a webhook of PayOS, for /openapi.json. What is believed is decided by `webhook`.

Source: the documents of PayOS and what it has been seen to send; only `data` is signed.
"""

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from app.payos.fields import INTEGER_MAX, PAYMENT_LINK_ID

Whole = Annotated[int, Field(ge=1, le=INTEGER_MAX)]
Text = str | None


class Transfer(TypedDict):
    """One bank transfer, or one that failed: then `code` is not "00"."""

    orderCode: Whole
    amount: Whole
    paymentLinkId: Annotated[str, Field(pattern=f"^{PAYMENT_LINK_ID.pattern}$")]
    code: Annotated[str, Field(min_length=1)]
    description: NotRequired[Text]
    accountNumber: NotRequired[Text]
    reference: NotRequired[Text]
    transactionDateTime: NotRequired[Text]
    currency: NotRequired[Text]


class Notification(TypedDict):
    """What PayOS posts; members that are not named here do no harm."""

    data: Transfer
    signature: Annotated[str, Field(description="HMAC-SHA256 of `data`, in hex")]
