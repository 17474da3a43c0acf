"""Every stream of a process: who is let in, how many at once, and how each is served.

Quart decides (login, ownership, every refusal); then it is done with the request, and the stream
is served below it. A generator inside Quart would keep a request, two contexts and two tasks
alive for as long as somebody watches.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import count

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGIVersions,
    ConnectionState,
    HTTPScope,
)

from app.admission import StreamId, StreamRequest, StreamVerdict
from app.metrics.labels import StreamRefusal
from app.metrics.metrics import Metrics
from app.model import TxRef, UserId
from app.settings import Settings
from app.stream.hub import Hub
from app.stream.leases import Leases
from app.stream.retries import JITTER, Retries
from app.stream.stream import START, Shared, Stream, body_event
from app.stream.timer_wheel import TimerWheel

ASGI: ASGIVersions = {"spec_version": "2.1", "version": "3.0"}
"""One object for all streams: the server keeps it for as long as each of them lasts."""

STREAM = "napvi.stream"
"""In the `state` of the scope of a request: the Stream that it asks for."""

Refuse = Callable[[], Awaitable[None]]
Decide = Callable[[HTTPScope, ASGISendCallable], Awaitable[Refuse]]
"""Calls `Streams.open` if the request is good; the result sends the answer of a refusal."""


class Streams:
    """Between the server and Quart, for requests for a stream."""

    def __init__(
        self,
        hub: Hub,
        leases: Leases,
        settings: Settings,
        metrics: Metrics,
        gets_stream: Callable[[UserId], bool],
    ) -> None:
        self._leases = leases
        self._gets_stream = gets_stream
        self._settings = settings
        self._metrics = metrics
        self._wheel = TimerWheel(settings.stream_heartbeat_seconds)
        self._retries = Retries(settings)
        self._shared = Shared(
            hub, self._wheel, self._retries, metrics, settings.stream_send_timeout_seconds
        )
        self._numbers = count(1)
        self._gate = asyncio.Semaphore(settings.stream_openings_at_once)
        self._waiting = 0
        self._inside = 0  # deciding or streaming

    def start(self) -> None:
        self._wheel.start()
        self._leases.start()

    async def stop(self) -> None:
        """The hub has ended every stream before."""
        self._wheel.stop()
        await self._leases.stop()

    async def open(
        self, state: ConnectionState, session_hash: bytes, tx_ref: TxRef, after: int | None
    ) -> StreamVerdict:
        """Whether the request of this `state` may have a stream; then it begins.

        Raises DatabaseUnavailable.
        """
        request = StreamRequest(StreamId(next(self._numbers)), session_hash, tx_ref, after)
        age_seconds = self._settings.stream_age_seconds_max * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
        stream = Stream(self._shared, request, age_seconds)
        state[STREAM] = stream  # `answer` closes it, whatever happens
        verdict = await self._leases.open(stream)
        if stream.user_id is not None and not self._gets_stream(stream.user_id):
            stream.user_id = None  # and so it is not served
            return StreamVerdict.OFF
        return verdict

    def refuse(self, reason: StreamRefusal) -> bytes:
        """All of a stream that cannot be opened for now."""
        self._metrics.streams_refused.labels(reason).inc()
        return self._retries.refused(reason)

    async def answer(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable, decide: Decide
    ) -> None:
        """Lets `decide` say who may have a stream, and serves it; or sends its refusal."""
        if not await self._has_entered():
            await self._finish(receive, _send(send, self.refuse(StreamRefusal.BUSY)))
            return
        try:
            refuse = await self._decided(scope, send, decide)
            if (stream := _asked(scope)) is not None and stream.user_id is not None:
                del refuse  # it holds on to Quart's request
                # The server keeps these as long as the stream lasts, and reads them no more.
                scope["headers"], scope["extensions"], scope["asgi"] = [], {}, ASGI
                await stream.serve(receive, send)
                return
        finally:
            self._inside -= 1
            if (asked := _asked(scope)) is not None:
                self._leases.close(asked)
                asked.forget()
                del scope["state"][STREAM]
        # Outside: who does not take it holds no place.
        await self._finish(receive, refuse())

    async def _decided(self, scope: HTTPScope, send: ASGISendCallable, decide: Decide) -> Refuse:
        try:
            return await decide(scope, send)
        finally:
            self._gate.release()

    async def _finish(self, receive: ASGIReceiveCallable, refusing: Awaitable[None]) -> None:
        """A body that nobody takes would hold up the server before it comes to the end."""
        reading = asyncio.create_task(_read(receive))
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.answer_seconds_max):
                    await refusing
        finally:
            reading.cancel()

    async def _has_entered(self) -> bool:
        """Few decide at once, so that a crowd at the door leaves room for payments."""
        if self._is_full() or self._waiting >= self._settings.stream_openings_waiting_max:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.stream_opening_seconds_max):
                await self._gate.acquire()
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
        if self._is_full():  # meanwhile
            self._gate.release()
            return False
        self._inside += 1
        return True

    def _is_full(self) -> bool:
        return self._inside >= self._settings.streams_per_process_max


async def _read(receive: ASGIReceiveCallable) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send(send: ASGISendCallable, body: bytes) -> None:
    await send(START)
    await send(body_event(body, more=False))


def _asked(scope: HTTPScope) -> Stream | None:
    """What `open` was asked for in this request, if it came so far."""
    found = scope["state"].get(STREAM)
    return found if isinstance(found, Stream) else None
