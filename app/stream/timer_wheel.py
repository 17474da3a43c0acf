"""One timer for all streams: heartbeats into silence, and the end of those that are old enough."""

import asyncio
import random
from typing import Protocol

from app.tasks import watched

TICKS_PER_HEARTBEAT = 30
EARLY_MAX = 0.2  # of the heartbeat: streams that were written to together drift apart


class Timed(Protocol):
    """A stream as the wheel sees it; times are those of the event loop."""

    tick: int
    """When the wheel looks at it again; kept by the wheel."""
    written_at: float
    ends_at: float

    def beat(self) -> None:
        """Nothing was written for a heartbeat."""

    def retire(self) -> None:
        """Its time is over."""


class TimerWheel:
    """A wheel of ticks: each stream lies under the one at which something may be due."""

    def __init__(self, heartbeat_seconds: float) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._tick_seconds = heartbeat_seconds / TICKS_PER_HEARTBEAT
        self._slots: dict[int, set[Timed]] = {}
        self._tick = 0  # the latest that is over
        self._beating: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._tick = self._tick_of(asyncio.get_running_loop().time())
        self._beating = watched(self._beat(), "timer wheel")

    def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()

    def add(self, stream: Timed) -> None:
        """Its first heartbeat comes early, at random, so that streams do not beat in step."""
        self._put(stream, stream.written_at + self._heartbeat_seconds * random.random())  # noqa: S311

    def remove(self, stream: Timed) -> None:
        """Safe to repeat."""
        if (slot := self._slots.get(stream.tick)) is not None:
            slot.discard(stream)

    def _put(self, stream: Timed, due_at: float) -> None:
        stream.tick = max(self._tick_of(min(due_at, stream.ends_at)), self._tick + 1)
        self._slots.setdefault(stream.tick, set()).add(stream)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep((self._tick + 1) * self._tick_seconds - loop.time())
            self._tick += 1
            self._look_at_all(loop.time())

    def _look_at_all(self, now: float) -> None:
        """Not in `_beat`, which would hold on to the last of them until the next tick."""
        for stream in self._slots.pop(self._tick, ()):
            self._look_at(stream, now)

    def _tick_of(self, moment: float) -> int:
        return int(moment / self._tick_seconds)

    def _look_at(self, stream: Timed, now: float) -> None:
        if now >= stream.ends_at:
            stream.retire()
            return
        early = self._heartbeat_seconds * random.uniform(0, EARLY_MAX)  # noqa: S311
        if now - stream.written_at < self._heartbeat_seconds / 2:
            self._put(stream, stream.written_at + self._heartbeat_seconds - early)
        else:
            stream.beat()
            self._put(stream, now + self._heartbeat_seconds - early)
