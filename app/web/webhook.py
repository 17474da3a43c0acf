"""Where PayOS tells us that money came.

A payment is recorded and acknowledged below Quart, which takes as long around so small an answer
as all the rest takes. What is refused is answered by Quart's route, like every other refusal.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ConnectionState,
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
    RequestTooSlow,
)
from app.http.openapi import answers, refuses
from app.http.request_rules import TAKEN, WEBHOOK_PATH
from app.metrics.labels import WebhookOutcome
from app.payos.intake import Intake
from app.payos.notification import Notification
from app.representations import Received

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
DIGITS_MAX = 20  # of a length: a longer number is no smaller

InQuart = Callable[[HTTPScope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]


class Webhooks:
    """Between the server and Quart, for what is posted to WEBHOOK_PATH.

    A body has at most `bytes_max`, and is here within `seconds_max`.
    """

    def __init__(self, intake: Intake, bytes_max: int, seconds_max: float) -> None:
        self.intake = intake
        self._bytes_max = bytes_max
        self._seconds_max = seconds_max

    async def answer(
        self,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        in_quart: InQuart,
        is_leaving: Callable[[], bool],
    ) -> None:
        """Takes one webhook to its end, also when PayOS hangs up meanwhile.

        Quart answers what is refused, the last requests of a process that `is_leaving`, and HTTP/2:
        there, to send waits for a window that a client who has left will never open.
        """
        outcome, refused = await self.intake.take(self._body(scope, receive))
        if outcome is WebhookOutcome.HUNG_UP:
            return
        if refused is not None or scope["http_version"] == "2" or is_leaving():
            scope.setdefault("state", ConnectionState({}))[TAKEN] = refused
            await in_quart(scope, receive, send)
        else:
            await send(START)
            await send(BODY)

    async def _body(self, scope: HTTPScope, receive: ASGIReceiveCallable) -> bytes | None:
        """All of it; None when the sender left before. Raises BodyTooLarge, RequestTooSlow."""
        if _announced_bytes(scope) > self._bytes_max:
            raise BodyTooLarge
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


def create_webhook_blueprint(webhooks: Webhooks) -> Blueprint:
    """Answers what `webhooks` hands on, and describes the route."""
    blueprint = Blueprint("webhook", __name__)

    @blueprint.post(WEBHOOK_PATH)
    @document_request(Notification)
    @answers(Received)
    @refuses(InvalidRequest, InvalidSignature, DatabaseUnavailable)
    async def receive() -> Received:
        """Record one signed fact. 200 also for what was recorded before."""
        state = request.scope.get("state", {})
        refused: Exception | None
        if TAKEN in state:
            refused = state.pop(TAKEN)
        else:  # Quart finds this route by `http://host/...` too
            _, refused = await webhooks.intake.take(request.body)
        if refused is None:
            return SUCCESS
        try:
            raise refused
        finally:
            del refused  # it would hold on to this frame, which holds on to it

    return blueprint


def _announced_bytes(scope: HTTPScope) -> int:
    """How long the body says it is; 0 when it does not."""
    said = dict(scope["headers"]).get(b"content-length", b"")[:DIGITS_MAX]
    return int(said) if said.isdigit() else 0
