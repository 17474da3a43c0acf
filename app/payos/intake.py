"""What becomes of a webhook: recorded, known already, kept for a person, or refused. Counted."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from types import MappingProxyType

from app.errors import InvalidRequest, Problem
from app.metrics.labels import SignedThing, WebhookOutcome
from app.metrics.metrics import Metrics
from app.model import Appended, Fact
from app.payos.webhook import SignedButInvalid, read_webhook

log = logging.getLogger(__name__)

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


class Intake:
    """From the body of a webhook to what the log says of it.

    `keys`: checksum keys, any of which may sign; `channel`: our PayOS client id.
    """

    def __init__(
        self,
        keys: Sequence[str],
        channel: str,
        append: Callable[[Fact], Awaitable[Appended]],
        keep_body: Callable[[bytes, str], Awaitable[None]],
        metrics: Metrics,
    ) -> None:
        self._keys = keys
        self._channel = channel
        self._append = append
        self._keep_body = keep_body
        self._metrics = metrics

    async def take(
        self, coming: Awaitable[bytes | None]
    ) -> tuple[WebhookOutcome, Exception | None]:
        """What became of the body that is coming, and why it is refused. Counts it."""
        outcome, refused = await self._taken(coming)
        self._metrics.webhooks.labels(outcome).inc()
        if refused is not None:
            log.warning("event=webhook.refused reason=%s", outcome)
        return outcome, refused

    async def _taken(
        self, coming: Awaitable[bytes | None]
    ) -> tuple[WebhookOutcome, Exception | None]:
        try:
            body = await coming
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
