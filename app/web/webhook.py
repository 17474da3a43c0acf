"""Where PayOS tells us that money came.

A payment is recorded and acknowledged below Quart, which takes as long around so small an answer
as all the rest takes. What is refused is answered by Quart's route, like every other refusal.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
)
from quart import Blueprint, request
from quart_schema import document_request

from app.errors import (
    BodyTooLarge,
    DatabaseUnavailable,
    InvalidRequest,
    InvalidSignature,
    NotFound,
    Problem,
    RequestTooSlow,
)
from app.metrics.labels import SignedThing, WebhookOutcome
from app.metrics.metrics import Metrics
from app.model import Appended, Fact
from app.openapi import answers, refuses
from app.payos.notification import Notification
from app.payos.webhook import SignedButInvalid, read_webhook
from app.representations import Received
from app.request_rules import WEBHOOK_PATH

log = logging.getLogger(__name__)

SUCCESS: Received = {"success": True}
BODY: HTTPResponseBodyEvent = {
    "type": "http.response.body",
    "body": json.dumps(SUCCESS).encode(),
    "more_body": False,
}
START: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(BODY["body"])).encode()),
        (b"cache-control", b"private, no-store"),
    ],
}
OUTCOME_OF_STATUS = MappingProxyType(
    {
        400: WebhookOutcome.BAD_BODY,
        401: WebhookOutcome.BAD_SIGNATURE,
        408: WebhookOutcome.BAD_BODY,
        413: WebhookOutcome.BAD_BODY,
        503: WebhookOutcome.UNAVAILABLE,
    }
)
"""Of a request that ended before anything was known about a payment."""

REFUSED = "napvi.webhook"
"""In the `state` of the scope of a request: why it is refused; None: it is not."""

InQuart = Callable[[HTTPScope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]


class Webhooks:
    """Between the server and Quart, for what is posted to WEBHOOK_PATH.

    `keys`: checksum keys, any of which may sign; `channel`: our PayOS client id. A body has at
    most `bytes_max`, and is here within `seconds_max`.
    """

    def __init__(
        self,
        keys: Sequence[str],
        channel: str,
        append: Callable[[Fact], Awaitable[Appended]],
        keep_body: Callable[[bytes, str], Awaitable[None]],
        metrics: Metrics,
        bytes_max: int,
        seconds_max: float,
    ) -> None:
        self._keys = keys
        self._channel = channel
        self._append = append
        self._keep_body = keep_body
        self._metrics = metrics
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max

    async def answer(
        self,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        in_quart: InQuart,
        *,
        in_full: bool,
    ) -> None:
        """Takes one webhook to its end, also when PayOS hangs up meanwhile.

        `in_full`: the answer needs whatever Quart puts on every answer.
        """
        outcome, refused = await self._take(receive)
        self._metrics.webhooks.labels(outcome).inc()
        if refused is not None:
            log.warning("event=webhook.refused reason=%s", outcome)
        if refused is not None or in_full:
            scope["state"][REFUSED] = refused
            await in_quart(scope, receive, send)
        elif outcome is not WebhookOutcome.HUNG_UP:
            await send(START)
            await send(BODY)

    async def _take(self, receive: ASGIReceiveCallable) -> tuple[WebhookOutcome, Exception | None]:
        """What became of it, and why it is refused."""
        try:
            body = await self._body(receive)
            outcome = WebhookOutcome.HUNG_UP if body is None else await self._record(body)
        except SignedButInvalid as problem:
            return WebhookOutcome.KEPT, problem
        except Problem as problem:
            return OUTCOME_OF_STATUS.get(problem.http_status, WebhookOutcome.FAILED), problem
        except Exception as error:
            return WebhookOutcome.FAILED, error
        if outcome is WebhookOutcome.REJECTED:
            return outcome, InvalidRequest("The database does not take this payment.")
        return outcome, None

    async def _body(self, receive: ASGIReceiveCallable) -> bytes | None:
        """All of it; None when the sender left before. Raises BodyTooLarge, RequestTooSlow."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._seconds_max):
                while (message := await receive())["type"] == "http.request":
                    body += message["body"]
                    if len(body) > self._bytes_max:
                        raise BodyTooLarge
                    if not message["more_body"]:
                        return bytes(body)
        except TimeoutError:
            raise RequestTooSlow from None
        return None

    async def _record(self, body: bytes) -> WebhookOutcome:
        """Raises SignedButInvalid when the body was kept, and what `read_webhook` raises."""
        try:
            webhook = read_webhook(body, self._keys, self._channel)
        except SignedButInvalid as problem:
            self._metrics.count_signature(SignedThing.WEBHOOK, problem.signed_by)
            log.error("event=webhook.kept reason=invalid fields=%s", ",".join(problem.fields))
            await self._keep_body(body, f"{problem.detail} {problem.fields}")
            raise
        self._metrics.count_signature(SignedThing.WEBHOOK, webhook.signed_by)
        if webhook.is_ping:
            log.info("event=webhook.ping")
            return WebhookOutcome.PING
        appended = await self._append(webhook.fact)
        log.info(
            "event=webhook.recorded outcome=%s tx_ref=%s seq=%s",
            appended.outcome,
            appended.tx_ref,
            appended.seq,
        )
        return WebhookOutcome(appended.outcome)


def create_webhook_blueprint() -> Blueprint:
    """Answers what Webhooks hands on, and describes the route."""
    blueprint = Blueprint("webhook", __name__)

    @blueprint.post(WEBHOOK_PATH)
    @document_request(Notification)
    @answers(Received)
    @refuses(InvalidRequest, InvalidSignature, DatabaseUnavailable)
    async def receive() -> Received:
        """Record one signed fact. 200 also for what was recorded before."""
        state = request.scope["state"]
        if REFUSED not in state:  # Quart finds this route by `http://host/...` too
            raise NotFound
        if (refused := state[REFUSED]) is not None:
            raise refused
        return SUCCESS

    return blueprint
