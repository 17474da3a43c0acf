"""The stream of one top-up: Server-Sent Events from the log to the payer's browser.

Whatever is temporary answers 200 with `retry:` and ends: any other status ends an EventSource for
good. A finished stream answers 204, which is how an EventSource is told to stop.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from types import MappingProxyType

from quart import Blueprint, Response, request

from app.database.store import Store
from app.errors import DatabaseUnavailable, NotAcceptable
from app.login import Login
from app.model import TopupUpdate, TxRef, parse_tx_ref
from app.settings import Settings
from app.stream.frames import error_frame, heartbeat_frame, parse_last_event_id, retry_frame
from app.stream.hub import Hub
from app.stream.subscription import End

HEADERS = MappingProxyType(
    {
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-store, no-transform",
        "X-Accel-Buffering": "no",  # nginx would hold frames back
    }
)
EVENT_STREAM = "text/event-stream"
JITTER = 0.2


def create_stream_blueprint(settings: Settings, login: Login, store: Store, hub: Hub) -> Blueprint:
    blueprint = Blueprint("stream", __name__)

    @blueprint.get("/api/topup/stream")
    async def stream() -> Response:
        """Every state of a top-up from Last-Event-ID on, as it happens."""
        _refuse_other_types()
        try:
            user = await login.user()
            tx_ref = parse_tx_ref(request.args.get("tx_ref"))
            latest = await store.topup_update(user.user_id, tx_ref)
        except DatabaseUnavailable:
            return _response(retry_frame(_jittered(settings.stream_retry_seconds * 5)))
        after = parse_last_event_id(request.headers.get("Last-Event-ID"))
        if _finished(latest, after):
            return Response(status=204)
        if request.method == "HEAD":
            return _response(b"")
        return _response(_frames(settings, hub, tx_ref, after))

    return blueprint


async def _frames(
    settings: Settings, hub: Hub, tx_ref: TxRef, after: int | None
) -> AsyncIterator[bytes]:
    yield retry_frame(_jittered(settings.stream_retry_seconds))
    loop = asyncio.get_running_loop()
    ends_at = loop.time() + _jittered(settings.stream_age_seconds_max)
    # Taken here and not before: a browser that leaves early never starts this generator.
    async with hub.subscribe(tx_ref, after) as subscription:
        while (remaining := ends_at - loop.time()) > 0:
            silence = min(settings.stream_heartbeat_seconds, remaining)
            chunk = await subscription.next_frames(silence)
            if chunk is End.SLOW:
                yield error_frame(chunk, _jittered(settings.stream_retry_seconds))
            if isinstance(chunk, End):
                return
            yield heartbeat_frame() if chunk is None else chunk


def _refuse_other_types() -> None:
    accepted = request.accept_mimetypes
    if accepted and not accepted.quality(EVENT_STREAM):
        raise NotAcceptable


def _finished(latest: TopupUpdate, after: int | None) -> bool:
    return latest.final and after == latest.seq


def _response(body: bytes | AsyncIterator[bytes]) -> Response:
    response = Response(body, headers=dict(HEADERS))
    response.timeout = None  # Quart would cut a stream after its RESPONSE_TIMEOUT
    return response


def _jittered(seconds: float) -> float:
    """Up to a fifth more or less, so that browsers do not come back in step."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
