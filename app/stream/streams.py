"""Every stream of a process: who is let in, how many at once, and how each is served.

Quart answers who asks (login, ownership, every refusal); then it is done with the request and the
stream goes on below it. A generator inside Quart would keep a request, two contexts and two tasks
alive for as long as somebody watches.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from itertools import count

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    ConnectionState,
    HTTPScope,
)

from app.admission import StreamId, StreamRequest, StreamVerdict
from app.metrics import Metrics, StreamRefusal, StreamStart
from app.model import TxRef
from app.settings import Settings
from app.stream.frames import HEADERS
from app.stream.hub import Hub
from app.stream.leases import Leases
from app.stream.pulse import Pulse
from app.stream.retries import JITTER, Retries
from app.stream.stream import Shared, Stream

STREAM = "napvi.stream"
"""In the `state` of the scope of a request: the Stream that it asks for."""

Application = Callable[[HTTPScope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]


class Streams:
    """Between the server and Quart, for requests for a stream."""

    def __init__(self, hub: Hub, leases: Leases, settings: Settings, metrics: Metrics) -> None:
        self._leases = leases
        self._settings = settings
        self._metrics = metrics
        self._pulse = Pulse(settings.stream_heartbeat_seconds)
        self._retries = Retries(settings)
        self._shared = Shared(
            hub, self._pulse, self._retries, metrics, settings.stream_send_timeout_seconds
        )
        self._numbers = count(1)
        self._gate = asyncio.Semaphore(settings.stream_openings_at_once)
        self._at_the_gate = 0
        self._open = 0

    def start(self) -> None:
        self._pulse.start()
        self._leases.start()

    async def stop(self) -> None:
        """The hub has ended every stream before."""
        self._pulse.stop()
        await self._leases.stop()

    async def open(
        self, state: ConnectionState, session_hash: bytes, tx_ref: TxRef, after: int | None
    ) -> StreamVerdict:
        """Whether the request of this `state` may have a stream; it follows the answer's headers.

        Raises DatabaseUnavailable.
        """
        request = StreamRequest(StreamId(next(self._numbers)), session_hash, tx_ref, after)
        age_seconds = self._settings.stream_age_seconds_max * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        stream = Stream(self._shared, request, age_seconds)
        state[STREAM] = stream  # `answer` closes it, whatever happens
        return await self._leases.open(stream)

    def refuse(self, reason: StreamRefusal) -> bytes:
        """All of a stream that cannot be opened for now."""
        self._metrics.streams_refused.labels(reason).inc()
        return self._retries.refused(reason)

    async def answer(
        self,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
        application: Application,
    ) -> None:
        """Lets `application` decide, then serves the stream that it let in."""
        if self._is_full():
            await _send_whole(send, self.refuse(StreamRefusal.BUSY))
            return
        opening = Opening(scope, receive, send)
        try:
            await self._let_decide(application, scope, opening)
            if (stream := opening.admitted) is not None and not opening.left:
                await self._serve(stream, scope, receive, send)
        finally:
            if (asked := opening.asked) is not None:
                self._leases.close(asked)

    def _is_full(self) -> bool:
        return (
            self._open >= self._settings.streams_per_process_max
            or self._at_the_gate >= self._settings.stream_openings_waiting_max
        )

    async def _let_decide(
        self, application: Application, scope: HTTPScope, opening: "Opening"
    ) -> None:
        """Few at a time, so that a crowd at the door leaves room for payments."""
        self._at_the_gate += 1
        try:
            async with self._gate:
                await application(scope, opening.receive, opening.send)
        finally:
            self._at_the_gate -= 1

    async def _serve(
        self,
        stream: Stream,
        scope: HTTPScope,
        receive: ASGIReceiveCallable,
        send: ASGISendCallable,
    ) -> None:
        how = StreamStart.FRESH if stream.request.after is None else StreamStart.RESUMED
        self._metrics.streams_opened.labels(how).inc()
        scope["headers"] = []  # nobody reads them again, and they weigh more than the stream
        self._open += 1
        try:
            await stream.serve(receive, send)
        finally:
            self._open -= 1


class Opening:
    """The events of a request while Quart has it: its answer's end is not the stream's."""

    __slots__ = ("_receive", "_scope", "_send", "left")

    def __init__(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.left = False

    @property
    def asked(self) -> Stream | None:
        """What the handler asked for, if it came so far."""
        found = self._scope["state"].get(STREAM)
        return found if isinstance(found, Stream) else None

    @property
    def admitted(self) -> Stream | None:
        asked = self.asked
        return None if asked is None or asked.user_id is None else asked

    async def receive(self) -> ASGIReceiveEvent:
        event = await self._receive()
        self.left = self.left or event["type"] == "http.disconnect"
        return event

    async def send(self, event: ASGISendEvent) -> None:
        if event["type"] != "http.response.body" or self.admitted is None:
            await self._send(event)


async def _send_whole(send: ASGISendCallable, body: bytes) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
