"""Where PayOS tells us that money came."""

import logging
from collections.abc import Awaitable, Callable, Sequence

from quart import Blueprint, request

from app.errors import InvalidRequest
from app.model import Appended, Fact, Outcome
from app.payos.webhook import SignedButInvalid, read_webhook
from app.request_rules import WEBHOOK_PATH

log = logging.getLogger(__name__)

SUCCESS = {"success": True}


def create_webhook_blueprint(
    keys: Sequence[str],
    channel: str,
    append: Callable[[Fact], Awaitable[Appended]],
    keep_body: Callable[[bytes, str], Awaitable[None]],
) -> Blueprint:
    """`keys`: checksum keys, any of which may sign; `channel`: our PayOS client id.

    `append` and `keep_body` go on to their end when PayOS hangs up.
    """
    blueprint = Blueprint("webhook", __name__)

    @blueprint.post(WEBHOOK_PATH)
    async def receive() -> dict[str, bool]:
        """Record one signed fact. 200 also for what was recorded before."""
        body: bytes = await request.body
        try:
            webhook = read_webhook(body, keys, channel)
        except SignedButInvalid as problem:
            log.error("event=webhook.kept fields=%s", ",".join(problem.fields))
            await keep_body(body, f"{problem.detail} {problem.fields}")
            raise
        if webhook.is_ping:
            log.info("event=webhook.ping")
            return SUCCESS
        appended = await append(webhook.fact)
        log.info(
            "event=webhook.recorded outcome=%s tx_ref=%s seq=%s",
            appended.outcome,
            appended.tx_ref,
            appended.seq,
        )
        if appended.outcome == Outcome.REJECTED:
            raise InvalidRequest("The database does not take this payment.")
        return SUCCESS

    return blueprint
