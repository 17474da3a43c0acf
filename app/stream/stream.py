"""One open stream, at the ASGI border: what the hub queues goes out, silence is broken.

An idle stream is one task, the server's own, which waits for the browser to leave. Writing takes a
task for as long as it lasts: one more for each stream would cost more than all the rest of it.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
)

from app.admission import StreamRequest
from app.metrics.labels import StreamClose, StreamStart
from app.metrics.metrics import Metrics
from app.model import UserId
from app.stream.frames import HEADERS, heartbeat_frame
from app.stream.hub import Hub
from app.stream.retries import Retries
from app.stream.timer_wheel import TimerWheel

log = logging.getLogger(__name__)

USUAL = frozenset({StreamClose.FINAL, StreamClose.GONE, StreamClose.AGE, StreamClose.SHUTDOWN})
START: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()],
}
"""One object for all streams: the server keeps it for as long as each of them lasts."""


def body_event(chunk: bytes, more: bool = True) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": chunk, "more_body": more}


@dataclass(frozen=True, slots=True)
class Shared:
    """What the streams of a process have in common."""

    hub: Hub
    wheel: TimerWheel
    retries: Retries
    metrics: Metrics
    send_timeout_seconds: float


class Stream:
    """From the answer's first byte to its last. `user_id` is None until it may be served."""

    __slots__ = (
        "_send", "_serving", "_shared", "_writing",
        "ends_at", "request", "subscription", "tick", "user_id", "written_at",
    )  # fmt: skip

    def __init__(self, shared: Shared, request: StreamRequest, age_seconds: float) -> None:
        self.request = request
        self.user_id: UserId | None = None
        self.subscription = shared.hub.subscribe(self, request.tx_ref, request.after)
        self.written_at = asyncio.get_running_loop().time()
        self.ends_at = self.written_at + age_seconds
        self.tick = 0
        self._shared = shared
        self._send: ASGISendCallable | None = None
        self._serving: asyncio.Task[object] | None = None
        self._writing: asyncio.Task[None] | None = None

    async def serve(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Returns when the browser has left, which it also has after the end of the answer."""
        shared = self._shared
        self._serving = asyncio.current_task()
        self._send = send
        how = StreamStart.FRESH if self.request.after is None else StreamStart.RESUMED
        shared.metrics.streams_opened.labels(how).inc()
        shared.metrics.streams_open.inc()
        # Headers and first words are one packet: uvloop joins what is written in one turn.
        self._begin_to_write(START, body_event(shared.retries.first()))
        shared.hub.enter(self.subscription)
        shared.wheel.add(self)
        try:
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            shared.wheel.remove(self)
            shared.hub.leave(self.subscription)
            if self._writing is not None:
                self._writing.cancel()
            shared.metrics.streams_open.dec()
            reason = self.subscription.ended or StreamClose.GONE
            shared.metrics.streams_closed.labels(reason).inc()
            # The usual ends are counted; to write thousands of them down at once takes time.
            level = logging.DEBUG if reason in USUAL else logging.INFO
            log.log(level, "event=stream.closed tx_ref=%s reason=%s", self.request.tx_ref, reason)

    def ready(self) -> None:
        """The subscription has something to take."""
        if self._writing is None:
            self._begin_to_write()

    def end(self, reason: StreamClose) -> None:
        """After what waits; the first reason stays."""
        self.subscription.end(reason)

    def retire(self) -> None:
        self.end(StreamClose.AGE)

    def beat(self) -> None:
        if self._writing is None and self.subscription.ended is None:  # no word after the last
            self._shared.metrics.heartbeats_sent.inc()
            self._begin_to_write(body_event(heartbeat_frame()))

    def forget(self) -> None:
        """It is over. What would keep it alive, until Python looks for cycles, is let go."""
        self._send = self._serving = None
        self.subscription.forget_writer()

    def _begin_to_write(self, *first: ASGISendEvent) -> None:
        if self._send is not None:
            self._writing = asyncio.create_task(self._write(self._send, first))

    async def _write(self, send: ASGISendCallable, first: Sequence[ASGISendEvent]) -> None:
        """All that waits after `first`; the last words too, when it has ended."""
        loop, seconds = asyncio.get_running_loop(), self._shared.send_timeout_seconds
        try:
            async with asyncio.timeout(seconds) as limit:
                for event in first:
                    await send(event)
                while (frames := self.subscription.take()) is not None:
                    await send(body_event(frames))
                    limit.reschedule(loop.time() + seconds)
                if (reason := self.subscription.ended) is not None:
                    await send(body_event(self._shared.retries.last(reason), more=False))
        except TimeoutError:  # the reader stopped: no last word would reach it
            self._give_up(StreamClose.SLOW)
        except Exception:  # what was taken may not have arrived: the browser resumes by id
            log.exception("event=stream.failed reason=send tx_ref=%s", self.request.tx_ref)
            self._give_up(StreamClose.FAILED)
        finally:
            # A task that was cancelled keeps the traceback, and so this frame; the limit refers to
            # the task: they would keep each other alive, until Python looks for cycles.
            del limit
            self._writing = None
            self.written_at = loop.time()

    def _give_up(self, reason: StreamClose) -> None:
        self.end(reason)
        if self._serving is not None:
            self._serving.cancel()
