"""The calls to PayOS, made by its official SDK.

The SDK signs, sends and retries. It is asked for the plain `data` and not for its models: those
refuse an answer over one new field or status, and by then the link is made. The signature of an
answer is checked in app.payos.response_hook; what can fail, and how, is in app.payos.calls.
"""

import asyncio
import json
import logging
import time
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import httpx
import payos
from payos.types import CreatePaymentLinkRequest

from app.errors import PayOSRefused, PayOSTimeout, PayOSUnavailable, Problem
from app.metrics.labels import PayOSOperation, SignedThing
from app.metrics.metrics import Metrics
from app.model import PaymentLink
from app.payos.answers import (
    PENDING,
    LinkState,
    about,
    read_account_number,
    read_created,
    read_state,
)
from app.payos.breaker import Clock
from app.payos.calls import Call, Calls, PayOSCaller
from app.payos.refusal import RefusedWithCode
from app.payos.response_hook import ResponseHook
from app.settings import Settings

UNKNOWN_ORDER_CODE = "101"
DUPLICATE_ORDER_CODE = "231"
CHECKOUT_SITES = {"api-merchant.payos.vn": "https://pay.payos.vn"}


class OrderCodeTaken(PayOSRefused):
    """PayOS has another order under this code: of an earlier installation, or somebody else's."""


class Gateway:
    """PayOS, for one payment channel. Make it inside the event loop; `close` it at the end.

    Every call may also raise PayOSUnavailable: it was not made. `caller`: who waits for it.
    """

    def __init__(self, settings: Settings, metrics: Metrics, now: Clock = time.monotonic) -> None:
        for name in ("payos", "httpx"):  # PAYOS_LOG=debug would print whole bodies
            logging.getLogger(name).setLevel(logging.WARNING)
        channel = settings.payos()
        base_url = settings.payos_base_url.rstrip("/") + "/"  # else a path in it is lost
        self._http = httpx.AsyncClient()
        self._sdk = payos.AsyncPayOS(
            channel.client_id,
            channel.api_key,
            channel.checksum_keys[0],
            base_url=base_url,
            timeout=settings.payos_timeout_seconds,
            max_retries=settings.payos_retries,
            http_client=self._http,
        )
        count = partial(metrics.count_signature, SignedThing.ANSWER)
        hook = ResponseHook(channel.checksum_keys, count)
        self._http.event_hooks = {"response": [hook.receive]}
        self._checkout_site = checkout_site(base_url)
        self._timeout_seconds = settings.payos_timeout_seconds
        back_off_seconds = 0.5 * (2**settings.payos_retries - 1)  # the SDK's
        call_seconds_max = self._timeout_seconds * (settings.payos_retries + 1) + back_off_seconds
        self._calls = Calls(settings, metrics, call_seconds_max, now)
        self.create_seconds_max: float = (
            settings.payos_wait_seconds_max + call_seconds_max + self._timeout_seconds
        )

    async def create_link(
        self,
        order_code: int,
        amount_vnd: int,
        description: str,
        return_url: str,
        cancel_url: str,
        opened_at: datetime,
        expires_at: datetime,
        caller: PayOSCaller = PayOSCaller.PAYER,
    ) -> PaymentLink:
        """A link to pay `amount_vnd`, which nobody asked PayOS for before `opened_at`.

        Raises OrderCodeTaken, PayOSRefused, PayOSTimeout.
        A link that PayOS made although we saw no proper answer is found again by its order code,
        then without the QR code and the account, which PayOS tells only once. Takes no longer
        than `create_seconds_max`.
        """
        request = CreatePaymentLinkRequest(
            order_code=order_code,
            amount=amount_vnd,
            description=description,
            return_url=return_url,
            cancel_url=cancel_url,
            expired_at=int(expires_at.timestamp()),
        )
        call = partial(
            self._sdk.post,
            "/v2/payment-requests",
            body=request,
            cast_to=dict,
            signature_request="create-payment-link",
        )
        try:
            read = about(order_code, read_created)
            return await self._calls.answer(call, read, PayOSOperation.CREATE, order_code, caller)
        except RefusedWithCode as problem:
            if problem.payos_code != DUPLICATE_ORDER_CODE:
                raise
            return await self._made_before(request, opened_at, problem, caller)
        except (PayOSRefused, PayOSTimeout) as problem:
            return await self._made_before(request, opened_at, problem, caller)

    async def find_link(
        self, order_code: int, caller: PayOSCaller = PayOSCaller.BACKGROUND
    ) -> LinkState | None:
        """How PayOS sees the link; None if it knows none. Raises PayOSRefused, PayOSTimeout."""
        call = partial(self._sdk.get, f"/v2/payment-requests/{order_code}", cast_to=dict)
        return await self._state(call, PayOSOperation.FIND, order_code, caller)

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

    async def cancel_link(
        self, order_code: int, reason: str, caller: PayOSCaller = PayOSCaller.BACKGROUND
    ) -> LinkState | None:
        """Closes the link; None if PayOS knows none. Raises PayOSRefused, PayOSTimeout."""
        call = partial(
            self._sdk.post,
            f"/v2/payment-requests/{order_code}/cancel",
            # As text: into a dict the SDK writes the signature, and a retry would sign that too.
            body=json.dumps({"cancellationReason": reason}),
            cast_to=dict,
            signature_request="body",
        )
        return await self._state(call, PayOSOperation.CANCEL, order_code, caller)

    async def confirm_webhook(self, url: str) -> str:
        """Registers `url` at PayOS, which calls there before it answers; the account's number.

        Raises PayOSRefused (also when its sample was not answered with 2xx), PayOSTimeout.
        """
        call = partial(self._sdk.post, "/confirm-webhook", body={"webhookUrl": url}, cast_to=dict)
        operation, caller = PayOSOperation.CONFIRM_WEBHOOK, PayOSCaller.BACKGROUND
        return await self._calls.answer(call, read_account_number, operation, None, caller)

    async def close(self) -> None:
        """Lets go of the connections."""
        await self._http.aclose()

    async def _made_before(
        self,
        request: CreatePaymentLinkRequest,
        opened_at: datetime,
        problem: Problem,
        caller: PayOSCaller,
    ) -> PaymentLink:
        """The open link that PayOS has for this order.

        Raises `problem` where there is none, or no open one; OrderCodeTaken where it is not ours.
        """
        try:
            async with asyncio.timeout(self._timeout_seconds):
                link = await self.find_link(request.order_code, caller)
        except (TimeoutError, PayOSUnavailable):
            raise problem from None
        if link is None:
            raise problem
        alike = (link.amount, link.status) == (request.amount, PENDING)
        if not alike or link.is_older_than(opened_at):
            if any(request.description in paid.description.upper() for paid in link.transfers):
                raise problem  # paid, and by our payer: its webhook is on the way
            raise OrderCodeTaken(f"PayOS has another order {link.order_code}.") from problem
        return self.found(link)

    async def _state(
        self, call: Call, operation: PayOSOperation, order_code: int, caller: PayOSCaller
    ) -> LinkState | None:
        try:
            read = about(order_code, read_state)
            return await self._calls.answer(call, read, operation, order_code, caller)
        except RefusedWithCode as problem:
            if problem.payos_code == UNKNOWN_ORDER_CODE:
                return None
            raise


def checkout_site(base_url: str) -> str:
    """Where the checkout pages are; a simulator has them beside its API."""
    return CHECKOUT_SITES.get(urlsplit(base_url).netloc, base_url.rstrip("/"))
