"""The calls to PayOS, made by its official SDK.

The SDK signs, sends, retries and checks the signature of the answer. It is asked for the plain
`data` and not for its models: those refuse an answer over one new field or status, and by then
the link is made. What can fail, and how, is in app.payos.calls.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Self
from urllib.parse import urlsplit

import payos
from payos.types import CreatePaymentLinkRequest

from app.errors import PayOSRefused, PayOSTimeout
from app.model import PaymentLink
from app.payos.answers import LinkState, read_account_number, read_created, read_state
from app.payos.calls import Answer, RefusedWithCode, answer_of
from app.payos.fields import Fields
from app.settings import Settings

UNKNOWN_ORDER_CODE = "101"
DUPLICATE_ORDER_CODE = "231"
PENDING = "PENDING"
CHECKOUT_SITES = {"api-merchant.payos.vn": "https://pay.payos.vn"}


class Gateway:
    """PayOS, for one payment channel. Make it inside the event loop; `close` it at the end.

    `timeout_seconds` is for one attempt, `retries` for the attempts after the first.
    """

    def __init__(
        self,
        client_id: str,
        api_key: str,
        checksum_key: str,
        base_url: str,
        timeout_seconds: float,
        retries: int,
    ) -> None:
        for name in ("payos", "httpx"):  # PAYOS_LOG=debug would print whole bodies
            logging.getLogger(name).setLevel(logging.WARNING)
        base_url = base_url.rstrip("/") + "/"  # else a path in it is lost
        self._sdk = payos.AsyncPayOS(
            client_id,
            api_key,
            checksum_key,
            base_url=base_url,
            timeout=timeout_seconds,
            max_retries=retries,
        )
        self._checkout_site = checkout_site(base_url)
        self._timeout_seconds = timeout_seconds
        back_off_seconds = 0.5 * (2**retries - 1)  # the SDK's; it would obey a Retry-After of 60
        self._call_seconds_max = timeout_seconds * (retries + 1) + back_off_seconds

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The channel that the settings name."""
        return cls(
            client_id=settings.payos_client_id or "",
            api_key=settings.payos_api_key.get_secret_value() if settings.payos_api_key else "",
            checksum_key=settings.payos_checksum_key[0].get_secret_value(),
            base_url=settings.payos_base_url,
            timeout_seconds=settings.payos_timeout_seconds,
            retries=settings.payos_retries,
        )

    async def create_link(
        self,
        order_code: int,
        amount_vnd: int,
        description: str,
        return_url: str,
        cancel_url: str,
        expires_at: datetime,
    ) -> PaymentLink:
        """A link to pay `amount_vnd`. Raises PayOSRefused, PayOSTimeout.

        A link that PayOS made although we saw no proper answer is found again by its order code,
        then without the QR code and the account, which PayOS tells only once.
        """
        request = CreatePaymentLinkRequest(
            order_code=order_code,
            amount=amount_vnd,
            description=description,
            return_url=return_url,
            cancel_url=cancel_url,
            expired_at=int(expires_at.timestamp()),
        )
        call = self._sdk.post(
            "/v2/payment-requests",
            body=request,
            cast_to=dict,
            signature_request="create-payment-link",
            signature_response="body",
        )
        try:
            return await self._call("create", order_code, call, read_created)
        except RefusedWithCode as problem:
            if problem.payos_code != DUPLICATE_ORDER_CODE:
                raise
            return await self._made_before(order_code, amount_vnd, problem)
        except (PayOSRefused, PayOSTimeout) as problem:
            return await self._made_before(order_code, amount_vnd, problem)

    async def find_link(self, order_code: int) -> LinkState | None:
        """How PayOS sees the link; None if it knows none. Raises PayOSRefused, PayOSTimeout."""
        call = self._sdk.get(
            f"/v2/payment-requests/{order_code}", cast_to=dict, signature_response="body"
        )
        return await self._state("find", order_code, call)

    def found(self, link: LinkState) -> PaymentLink:
        """What a payer needs of a link that PayOS made without telling us, as far as it tells."""
        return PaymentLink(
            payment_link_id=link.payment_link_id,
            checkout_url=f"{self._checkout_site}/web/{link.payment_link_id}",
            qr_code="",
            bank_bin="",
            account_number="",
            account_name="",
            transfer_message="",
        )

    async def cancel_link(self, order_code: int, reason: str) -> LinkState | None:
        """Closes the link; None if PayOS knows none. Raises PayOSRefused, PayOSTimeout."""
        call = self._sdk.post(
            f"/v2/payment-requests/{order_code}/cancel",
            body={"cancellationReason": reason},
            cast_to=dict,
            signature_request="body",
            signature_response="body",
        )
        return await self._state("cancel", order_code, call)

    async def confirm_webhook(self, url: str) -> str:
        """Registers `url` at PayOS, which rings there before it answers; the account's number.

        Raises PayOSRefused (also when the ring was not answered with 2xx), PayOSTimeout.
        """
        call = self._sdk.post("/confirm-webhook", body={"webhookUrl": url}, cast_to=dict)
        return await self._call("confirm_webhook", None, call, read_account_number)

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._sdk.aclose()

    async def _made_before(
        self, order_code: int, amount_vnd: int, problem: PayOSRefused | PayOSTimeout
    ) -> PaymentLink:
        """The open link that PayOS has for this order. Raises `problem` where there is none."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                link = await self.find_link(order_code)
        except TimeoutError:
            raise problem from None
        if link is None or (link.amount, link.status) != (amount_vnd, PENDING):
            raise problem
        return self.found(link)

    async def _state(
        self, operation: str, order_code: int, call: Awaitable[Fields]
    ) -> LinkState | None:
        try:
            return await self._call(operation, order_code, call, read_state)
        except RefusedWithCode as problem:
            if problem.payos_code == UNKNOWN_ORDER_CODE:
                return None
            raise

    async def _call(
        self,
        operation: str,
        order_code: int | None,
        call: Awaitable[Fields],
        read: Callable[[Fields], Answer],
    ) -> Answer:
        return await answer_of(call, read, operation, order_code, self._call_seconds_max)


def checkout_site(base_url: str) -> str:
    """Where the checkout pages are; a simulator has them beside its API."""
    return CHECKOUT_SITES.get(urlsplit(base_url).netloc, base_url.rstrip("/"))
