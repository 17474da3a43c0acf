"""Who may have the stream of a top-up: Server-Sent Events from the log to the payer's browser.

Whatever is temporary answers 200 with `retry:` and ends: any other status ends an EventSource for
good. A finished stream answers 204, which is how an EventSource is told to stop.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import NotRequired

from hypercorn.typing import ASGISendCallable
from quart import Blueprint, Response, request
from quart.asgi import ASGIHTTPConnection
from quart_schema import document_headers, document_querystring
from typing_extensions import TypedDict

from app.accounts.login import Login
from app.admission import StreamVerdict
from app.database.store import Store
from app.errors import (
    DatabaseUnavailable,
    InvalidRequest,
    NotAcceptable,
    NotFound,
    NotLoggedIn,
    TopupNotFound,
)
from app.http.openapi import answers, refuses
from app.metrics.labels import StreamRefusal
from app.model import parse_tx_ref
from app.representations import OfTopup
from app.stream.events import StreamEvent
from app.stream.frames import HEADERS, parse_last_event_id
from app.stream.streams import Streams

STREAM_PATH = "/api/topup/stream"
EVENT_STREAM = "text/event-stream"


StreamHeaders = TypedDict("StreamHeaders", {"Last-Event-ID": NotRequired[str]})
"""Where a browser goes on; whatever is no seq is as good as none."""


class StreamDecision(ASGIHTTPConnection):
    """A request for a stream, decided in the task that it came in.

    Quart's own way has two more tasks, one of which notices a browser that leaves; a decision takes
    milliseconds, and then there is one stream less to serve.
    """

    async def decide(self, send: ASGISendCallable) -> Callable[[], Awaitable[None]]:
        """Quart's answer, not sent yet."""
        request = self._create_request_from_scope(send)
        request.body.set_complete()  # nothing that comes with a GET is read
        response = await self.app.handle_request(request)
        return partial(self._send_response, send, response)


def create_stream_blueprint(login: Login, store: Store, streams: Streams) -> Blueprint:
    """Only decides; what is let in is served by `streams`, below Quart."""
    blueprint = Blueprint("stream", __name__)

    @blueprint.get(STREAM_PATH)
    @document_querystring(OfTopup)
    @document_headers(StreamHeaders)
    @answers(StreamEvent, media_type=EVENT_STREAM)
    @answers(None, 204)
    @refuses(InvalidRequest, NotLoggedIn, TopupNotFound, NotAcceptable)
    async def stream() -> Response:
        """Every state of a top-up from Last-Event-ID on, as it happens."""
        _refuse_other_spellings()
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
            return _response(b"")  # not sent: the stream begins
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


def _refuse_other_spellings() -> None:
    """Quart finds this route by `http://host/...` too, and nobody would close that stream."""
    if request.scope["path"] != STREAM_PATH:
        raise NotFound


def _refuse_other_types() -> None:
    accepted = request.accept_mimetypes
    if accepted and not accepted.quality(EVENT_STREAM):
        raise NotAcceptable


def _response(body: bytes) -> Response:
    return Response(body, headers=dict(HEADERS))
