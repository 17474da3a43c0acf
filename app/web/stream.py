"""Who may have the stream of a top-up: Server-Sent Events from the log to the payer's browser.

Whatever is temporary answers 200 with `retry:` and ends: any other status ends an EventSource for
good. A finished stream answers 204, which is how an EventSource is told to stop.
"""

from collections.abc import AsyncIterator

from quart import Blueprint, Response, request

from app.admission import StreamVerdict
from app.database.store import Store
from app.errors import DatabaseUnavailable, NotAcceptable, NotLoggedIn, TopupNotFound
from app.login import Login
from app.metrics import StreamRefusal
from app.model import parse_tx_ref
from app.stream.frames import HEADERS, parse_last_event_id
from app.stream.streams import Streams

STREAM_PATH = "/api/topup/stream"
EVENT_STREAM = "text/event-stream"


def create_stream_blueprint(login: Login, store: Store, streams: Streams) -> Blueprint:
    """Only decides; what is let in is served by `streams`, below Quart."""
    blueprint = Blueprint("stream", __name__)

    @blueprint.get(STREAM_PATH)
    async def stream() -> Response:
        """Every state of a top-up from Last-Event-ID on, as it happens."""
        _refuse_other_types()
        session_hash = login.session_hash()
        tx_ref = parse_tx_ref(request.args.get("tx_ref"))
        try:
            if request.method == "HEAD":
                user = await login.user()
                await store.topup_update(user.user_id, tx_ref)
                return _response(b"")
            after = parse_last_event_id(request.headers.get("Last-Event-ID"))
            state = request.scope["state"]
            verdict = await streams.open(state, session_hash, tx_ref, after)
        except DatabaseUnavailable:
            return _response(streams.refuse(StreamRefusal.UNAVAILABLE))
        return _answer(verdict, streams)

    return blueprint


def _answer(verdict: StreamVerdict, streams: Streams) -> Response:
    match verdict:
        case StreamVerdict.OPEN:
            return _response(_nothing())
        case StreamVerdict.FINISHED:
            return Response(status=204)
        case StreamVerdict.NOT_LOGGED_IN:
            raise NotLoggedIn
        case StreamVerdict.NOT_FOUND:
            raise TopupNotFound
        case StreamVerdict.TOO_MANY:
            return _response(streams.refuse(StreamRefusal.TOO_MANY))
        case StreamVerdict.OFF:
            return _response(streams.refuse(StreamRefusal.OFF))


def _refuse_other_types() -> None:
    accepted = request.accept_mimetypes
    if accepted and not accepted.quality(EVENT_STREAM):
        raise NotAcceptable


async def _nothing() -> AsyncIterator[bytes]:
    """A body without a length: the frames follow below Quart."""
    chunks: tuple[bytes, ...] = ()
    for chunk in chunks:
        yield chunk


def _response(body: bytes | AsyncIterator[bytes]) -> Response:
    return Response(body, headers=dict(HEADERS))
