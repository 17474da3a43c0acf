"""The pulse, on a real loop, with short heartbeats."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from app.event_loop import EventLoop
from app.stream.pulse import TICKS_PER_HEARTBEAT, Pulse

HEARTBEAT_SECONDS = 0.6
TICK_SECONDS = HEARTBEAT_SECONDS / TICKS_PER_HEARTBEAT
LATE_SECONDS = 0.15
"""What a busy machine may add."""

CROWD = 600


class Silent:
    """A stream to which only the pulse writes; notes when."""

    def __init__(self, pulse: Pulse, ends_in_seconds: float = math.inf) -> None:
        self.tick = 0
        self.written_at = now()
        self.ends_at = self.written_at + ends_in_seconds
        self.beats: list[float] = []
        self.longest_silence = 0.0
        self.retired = asyncio.Event()
        self.beaten = asyncio.Event()
        pulse.add(self)

    def write(self) -> None:
        self.longest_silence = max(self.longest_silence, now() - self.written_at)
        self.written_at = now()

    def beat(self) -> None:
        self.write()
        self.beats.append(self.written_at)
        self.beaten.set()

    def retire(self) -> None:
        self.retired.set()


def now() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
async def pulse() -> AsyncIterator[Pulse]:
    pulse = Pulse(HEARTBEAT_SECONDS)
    pulse.start()
    yield pulse
    pulse.stop()


async def test_no_stream_is_silent_for_longer_than_a_heartbeat(pulse: Pulse) -> None:
    streams = [Silent(pulse) for _ in range(CROWD)]
    await asyncio.sleep(3 * HEARTBEAT_SECONDS)
    longest = max(max(stream.longest_silence, now() - stream.written_at) for stream in streams)
    assert longest <= HEARTBEAT_SECONDS + TICK_SECONDS + LATE_SECONDS
    assert all(2 <= len(stream.beats) <= 6 for stream in streams)


async def test_streams_that_began_together_do_not_beat_together(pulse: Pulse) -> None:
    streams = [Silent(pulse) for _ in range(CROWD)]
    await asyncio.gather(*(stream.beaten.wait() for stream in streams))
    ticks = Counter(int(stream.beats[0] / TICK_SECONDS) for stream in streams)
    assert len(ticks) >= TICKS_PER_HEARTBEAT / 4
    assert max(ticks.values()) <= CROWD / 4


async def test_a_stream_that_is_written_to_gets_no_heartbeat(pulse: Pulse) -> None:
    busy, silent = Silent(pulse), Silent(pulse)
    while len(silent.beats) < 3:
        busy.write()
        await asyncio.sleep(TICK_SECONDS)
    assert busy.beats == []


async def test_a_stream_that_falls_silent_gets_one_a_heartbeat_later(pulse: Pulse) -> None:
    streams = [Silent(pulse) for _ in range(CROWD)]
    await asyncio.sleep(HEARTBEAT_SECONDS / 3)
    for stream in streams:
        stream.write()
    await asyncio.gather(*(stream.beaten.wait() for stream in streams))
    longest = max(stream.longest_silence for stream in streams)
    assert longest <= HEARTBEAT_SECONDS + TICK_SECONDS + LATE_SECONDS


async def test_a_stream_retires_when_its_time_is_over_and_is_not_looked_at_again(
    pulse: Pulse,
) -> None:
    stream = Silent(pulse, ends_in_seconds=1.5 * HEARTBEAT_SECONDS)
    await stream.retired.wait()
    assert 0 <= now() - stream.ends_at <= TICK_SECONDS + LATE_SECONDS
    beats = len(stream.beats)
    stream.retired.clear()
    await asyncio.sleep(2 * HEARTBEAT_SECONDS)
    assert (len(stream.beats), stream.retired.is_set()) == (beats, False)
    pulse.remove(stream)


async def test_a_stream_that_is_removed_hears_nothing_more(pulse: Pulse) -> None:
    other = Silent(pulse)
    removed = [Silent(pulse, ends_in_seconds=HEARTBEAT_SECONDS) for _ in range(CROWD)]
    for stream in removed * 2:
        pulse.remove(stream)
    while len(other.beats) < 3:
        await other.beaten.wait()
        other.beaten.clear()
    assert not any(stream.beats or stream.retired.is_set() for stream in removed)


async def test_who_leaves_during_a_tick_is_not_missed_and_harms_no_other(pulse: Pulse) -> None:
    """A heartbeat may end a stream, of this one or of another."""

    class Leaving(Silent):
        def beat(self) -> None:
            super().beat()
            for stream in streams:
                pulse.remove(stream)

    streams: list[Silent] = []
    streams.extend(Leaving(pulse) for _ in range(CROWD))
    last = Silent(pulse)
    await last.beaten.wait()
    await asyncio.sleep(HEARTBEAT_SECONDS)
    assert sum(len(stream.beats) for stream in streams) <= CROWD / 4


async def test_after_the_loop_stood_still_every_stream_beats_at_once(pulse: Pulse) -> None:
    streams = [Silent(pulse) for _ in range(CROWD)]
    blocked_until = now() + 3 * HEARTBEAT_SECONDS
    while now() < blocked_until:
        pass
    await asyncio.sleep(LATE_SECONDS)
    assert all(stream.beats for stream in streams)


def test_a_clock_that_is_early_loses_no_stream() -> None:
    """uvloop rounds timers to milliseconds: here a tick is less than one."""

    async def beat_often() -> None:
        pulse = Pulse(0.02)
        pulse.start()
        streams = [Silent(pulse) for _ in range(CROWD)]
        await asyncio.sleep(0.4)
        counts = [len(stream.beats) for stream in streams]
        for stream in streams:
            stream.beaten.clear()
        async with asyncio.timeout(5):
            await asyncio.gather(*(stream.beaten.wait() for stream in streams))
        pulse.stop()
        assert min(counts) > 0

    with asyncio.Runner(loop_factory=EventLoop) as runner:
        runner.run(beat_often())
