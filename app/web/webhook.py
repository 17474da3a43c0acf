"""Where PayOS tells us that money came."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType

from quart import Blueprint, Response, g, request
from quart_schema import document_request

from app.errors import DatabaseUnavailable, InvalidRequest, InvalidSignature
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


def create_webhook_blueprint(
    keys: Sequence[str],
    channel: str,
    append: Callable[[Fact], Awaitable[Appended]],
    keep_body: Callable[[bytes, str], Awaitable[None]],
    metrics: Metrics,
) -> Blueprint:
    """`keys`: checksum keys, any of which may sign; `channel`: our PayOS client id.

    `append` and `keep_body` go on to their end when PayOS hangs up.
    """
    blueprint = Blueprint("webhook", __name__)

    @blueprint.post(WEBHOOK_PATH)
    @document_request(Notification)
    @answers(Received)
    @refuses(InvalidRequest, InvalidSignature, DatabaseUnavailable)
    async def receive() -> Received:
        """Record one signed fact. 200 also for what was recorded before."""
        body: bytes = await request.body
        try:
            g.outcome = await record(body)
        except asyncio.CancelledError:
            metrics.webhooks.labels(WebhookOutcome.HUNG_UP).inc()
            raise
        if g.outcome == WebhookOutcome.REJECTED:
            raise InvalidRequest("The database does not take this payment.")
        return SUCCESS

    async def record(body: bytes) -> WebhookOutcome:
        try:
            webhook = read_webhook(body, keys, channel)
        except SignedButInvalid as problem:
            metrics.count_signature(SignedThing.WEBHOOK, problem.signed_by)
            log.error("event=webhook.kept reason=invalid fields=%s", ",".join(problem.fields))
            await keep_body(body, f"{problem.detail} {problem.fields}")
            g.outcome = WebhookOutcome.KEPT
            raise
        metrics.count_signature(SignedThing.WEBHOOK, webhook.signed_by)
        if webhook.is_ping:
            log.info("event=webhook.ping")
            return WebhookOutcome.PING
        appended = await append(webhook.fact)
        log.info(
            "event=webhook.recorded outcome=%s tx_ref=%s seq=%s",
            appended.outcome,
            appended.tx_ref,
            appended.seq,
        )
        return WebhookOutcome(appended.outcome)

    @blueprint.after_request
    async def count(response: Response) -> Response:
        _count(response, metrics)
        return response

    return blueprint


def _count(response: Response, metrics: Metrics) -> None:
    if request.method != "POST":
        return  # Quart answers OPTIONS by itself
    by_status = OUTCOME_OF_STATUS.get(response.status_code, WebhookOutcome.FAILED)
    outcome = g.get("outcome", by_status)
    metrics.webhooks.labels(outcome).inc()
    if response.status_code != 200:
        log.warning("event=webhook.refused reason=%s", outcome)
