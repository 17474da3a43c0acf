"""The timer wheel: to the tick on a clock that only timers move, and on real loops without one."""

import asyncio
import random
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from app.server.event_loop import EventLoop
from app.stream.timer_wheel import TICKS_PER_HEARTBEAT, TimerWheel

HEARTBEAT_SECONDS = 0.3
TICK_SECONDS = HEARTBEAT_SECONDS / TICKS_PER_HEARTBEAT
ROUNDING_SECONDS = 1e-6
CROWD = 1_000
NEVER = float("inf")
PATIENCE_SECONDS = 20


class Beat:
    """A stream that keeps the times at which it was called."""

    def __init__(self, ends_at: float = NEVER) -> None:
        self.tick = 0
        self.written_at = now()
        self.ends_at = ends_at
        self.beats: list[float] = []
        self.retired: list[float] = []

    def beat(self) -> None:
        self.written_at = now()
        self.beats.append(self.written_at)

    def retire(self) -> None:
        self.retired.append(now())


class ClockOfTimers(asyncio.SelectorEventLoop):
    """What runs takes no time, and who sleeps is woken to the moment, at once."""

    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._moment = random.uniform(0, 1_000)
        super().__init__()

    def time(self) -> float:
        return self._moment

    def pass_by(self, seconds: float) -> None:
        """As if something had blocked the loop."""
        self._moment += seconds

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._moment = max(self._moment, self._scheduled[0].when())
        super()._run_once()  # type: ignore[misc]


def now() -> float:
    return asyncio.get_running_loop().time()


@asynccontextmanager
async def beating(heartbeat_seconds: float = HEARTBEAT_SECONDS) -> AsyncIterator[TimerWheel]:
    wheel = TimerWheel(heartbeat_seconds)
    wheel.start()
    try:
        yield wheel
    finally:
        wheel.stop()


def timed(scenario: Callable[[TimerWheel], Awaitable[None]]) -> Callable[[], None]:
    """Makes a test of it in which nothing is late but the wheel itself."""

    async def run() -> None:
        async with beating() as wheel:
            await scenario(wheel)

    def test() -> None:
        with asyncio.Runner(loop_factory=ClockOfTimers) as runner:
            runner.run(run())

    test.__doc__ = scenario.__doc__
    return test


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 a stream of these tests sets no event
        await asyncio.sleep(TICK_SECONDS)


def added(wheel: TimerWheel, stream: Beat) -> Beat:
    wheel.add(stream)
    return stream


@timed
async def test_silence_never_lasts_longer_than_a_heartbeat_and_a_tick(wheel: TimerWheel) -> None:
    began = now()
    streams = [added(wheel, Beat()) for _ in range(20)]
    await asyncio.sleep(4 * HEARTBEAT_SECONDS)
    for stream in streams:
        moments = [began, *stream.beats, now()]
        silences = [b - a for a, b in pairwise(moments)]
        assert max(silences) < HEARTBEAT_SECONDS + TICK_SECONDS + ROUNDING_SECONDS
        assert len(stream.beats) <= 4 / (1 - 0.2) + 2, "a heartbeat is early by a fifth at most"


@timed
async def test_a_stream_that_is_written_to_always_gets_no_heartbeat(wheel: TimerWheel) -> None:
    busy, silent = added(wheel, Beat()), added(wheel, Beat())
    ends_at = now() + 3 * HEARTBEAT_SECONDS
    while now() < ends_at:
        busy.written_at = now()
        await asyncio.sleep(TICK_SECONDS)
    assert silent.beats
    assert busy.beats == []


@timed
async def test_after_the_latest_write_the_silence_is_broken_in_time(wheel: TimerWheel) -> None:
    stream = added(wheel, Beat())
    for _ in range(TICKS_PER_HEARTBEAT):
        stream.written_at = now()
        await asyncio.sleep(TICK_SECONDS)
    written_at = stream.written_at
    await asyncio.sleep(HEARTBEAT_SECONDS + TICK_SECONDS)
    silence_seconds = stream.beats[0] - written_at
    assert silence_seconds >= HEARTBEAT_SECONDS / 2
    assert silence_seconds < HEARTBEAT_SECONDS + TICK_SECONDS + ROUNDING_SECONDS


@timed
async def test_a_stream_is_retired_once_when_its_time_is_over_and_never_before(
    wheel: TimerWheel,
) -> None:
    began = now()
    ends = [began + HEARTBEAT_SECONDS * part for part in (0.0, 0.1, 0.35, 0.99, 1.0, 1.7, 2.5)]
    streams = [added(wheel, Beat(end)) for end in ends]
    await asyncio.sleep(3 * HEARTBEAT_SECONDS)
    for end, stream in zip(ends, streams, strict=True):
        (retired_at,) = stream.retired
        assert end <= retired_at < end + 2 * TICK_SECONDS + ROUNDING_SECONDS
        assert all(beat < retired_at for beat in stream.beats)


@timed
async def test_a_stream_that_was_removed_is_never_called_again(wheel: TimerWheel) -> None:
    gone = [added(wheel, Beat(now() + HEARTBEAT_SECONDS)) for _ in range(50)]
    stays = added(wheel, Beat())
    for stream in gone[:25]:
        wheel.remove(stream)
    await asyncio.sleep(0.8 * HEARTBEAT_SECONDS)
    for stream in gone[25:]:
        wheel.remove(stream)
        wheel.remove(stream)
    beats = [len(stream.beats) for stream in gone]
    await asyncio.sleep(2 * HEARTBEAT_SECONDS)
    assert beats[:25] == [0] * 25
    assert [len(stream.beats) for stream in gone] == beats
    assert all(stream.retired == [] for stream in gone)
    assert stays.beats


@timed
async def test_a_thousand_streams_that_came_together_beat_apart(wheel: TimerWheel) -> None:
    streams = [added(wheel, Beat()) for _ in range(CROWD)]
    await asyncio.sleep(2 * HEARTBEAT_SECONDS)
    firsts = [stream.beats[0] for stream in streams]
    for start in firsts:
        together = sum(start <= first < start + TICK_SECONDS / 2 for first in firsts)
        assert together < CROWD / 2, (
            "half of a heartbeat has no beats, then there are fifteen ticks"
        )


@timed
async def test_a_loop_that_was_blocked_for_many_ticks_loses_no_stream(wheel: TimerWheel) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ClockOfTimers)
    streams = [added(wheel, Beat(now() + 3 * HEARTBEAT_SECONDS)) for _ in range(100)]
    for _ in range(3):
        await asyncio.sleep(random.uniform(0, HEARTBEAT_SECONDS / 4))
        loop.pass_by(HEARTBEAT_SECONDS / 3)
    await asyncio.sleep(3 * HEARTBEAT_SECONDS)
    assert all(stream.beats and len(stream.retired) == 1 for stream in streams)


@pytest.mark.parametrize("heartbeat_seconds", [0.005, 0.0317], ids=["shorter", "a_bit_longer"])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, EventLoop])
def test_ticks_about_as_short_as_those_of_the_clock_lose_no_stream(
    new_loop: Callable[[], asyncio.AbstractEventLoop], heartbeat_seconds: float
) -> None:
    """A wheel that skipped a tick would leave the streams under it for ever. uvloop rounds timers
    to milliseconds: there a tick may come early."""

    async def lose_nobody() -> None:
        async with beating(heartbeat_seconds) as wheel, asyncio.timeout(PATIENCE_SECONDS):
            streams = [added(wheel, Beat()) for _ in range(100)]
            await until(lambda: all(len(stream.beats) > 2 for stream in streams))
            for stream in streams:
                stream.ends_at = now() + heartbeat_seconds
            await until(lambda: all(stream.retired for stream in streams))
            await asyncio.sleep(2 * heartbeat_seconds)
            assert [len(stream.retired) for stream in streams] == [1] * 100

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(lose_nobody())


@timed
async def test_a_stream_that_was_looked_at_and_has_left_is_let_go(_: TimerWheel) -> None:
    """With a heartbeat that leaves time between two ticks."""
    async with beating(30 * HEARTBEAT_SECONDS) as slow:
        stream = added(slow, Beat(ends_at=now()))  # so it is due at the next tick
        while not stream.retired:  # noqa: ASYNC110 a stream of this test sets no event
            await asyncio.sleep(TICK_SECONDS)
        slow.remove(stream)
        left = weakref.ref(stream)
        del stream
        assert left() is None
