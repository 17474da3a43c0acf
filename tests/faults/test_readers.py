"""Readers that stop, vanish or leave too early: nothing of them stays, and nobody else suffers."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tests.bulk import OpenTopup, open_topups
from tests.faults.follower import Follower, following
from tests.faults.inspection import connections, leases, metric, open_files, resident_mib
from tests.faults.raw_streams import FIRST_STATE, open_stream, request, reset_on_close, vanish
from tests.faults.serving import MARKS, Serve
from tests.faults.stopped import stopped_readers
from tests.payments import open_process, transfer
from tests.processes.payer import until
from tests.services import Service

pytestmark = MARKS

STOPPED = 50
BATCH = 64
EVENTS = 40 * BATCH
SEND_TIMEOUT_SECONDS = 2.0
READER_TIMEOUT_SECONDS = 3.0
GROWTH_MIB_MAX = 16.0
"""Holding all frames for each of the stopped readers would take some 50 MiB."""

VANISHED = 20
HEARTBEAT_SECONDS = 1.0

CYCLES = 10_000
WARM_UP = 2_000
AT_ONCE = 50
LEFT_MIB_MAX = 5.0
"""A KiB that each visit leaves behind would show."""

TOPUPS = 200
EARLY_SECONDS_MAX = 0.02
"""About as long as it takes to open a stream under this load."""

PATIENCE_SECONDS = 10.0


async def test_stopped_readers_with_frames_queued_are_closed_and_cost_no_memory(
    database_url: str, serve: Serve
) -> None:
    service = serve(
        database_url,
        NAPVI_STREAM_SEND_TIMEOUT_SECONDS=str(SEND_TIMEOUT_SECONDS),
        NAPVI_READER_TIMEOUT_SECONDS=str(READER_TIMEOUT_SECONDS),
    )
    warm_up, topup = await open_topups(service.url, database_url, 2, payers=1)
    await pay_in_small_parts(service, database_url, warm_up, stopped=0)
    before = resident_mib(service)
    peak = await pay_in_small_parts(service, database_url, topup, stopped=STOPPED)
    print(f"resident: {before:.0f} MiB before, {peak:.0f} MiB at most")
    assert peak < before + GROWTH_MIB_MAX

    async def all_are_counted() -> bool:
        return await metric(service, "napvi_streams_closed_total", 'reason="slow"') >= STOPPED

    await until(all_are_counted)


async def pay_in_small_parts(
    service: Service, database_url: str, topup: OpenTopup, stopped: int
) -> float:
    """Most memory that the service had while `stopped` readers took nothing and one took all."""
    follower = Follower([service.url], topup.tx_ref, topup.cookie)
    peak = 0.0
    parts = [1] * (EVENTS - 1) + [topup.amount - EVENTS + 1]
    async with (
        stopped_readers(service.url, topup, stopped),
        following([follower]),
        open_process(database_url) as writer,
    ):
        for start in range(0, EVENTS, BATCH):
            batch = parts[start : start + BATCH]
            facts = [transfer(topup.order_code, amount) for amount in batch]
            await writer.store.append_events(facts)
            peak = max(peak, resident_mib(service))
            await follower.saw(1 + start + len(batch))
        async with asyncio.timeout(READER_TIMEOUT_SECONDS + PATIENCE_SECONDS):
            while connections(service) > 1:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
    assert follower.is_whole(1 + EVENTS)
    return peak


async def test_readers_that_vanish_without_a_word_are_forgotten(
    database_url: str, serve: Serve
) -> None:
    service = serve(
        database_url,
        NAPVI_READER_TIMEOUT_SECONDS=str(READER_TIMEOUT_SECONDS),
        NAPVI_STREAM_HEARTBEAT_SECONDS=str(HEARTBEAT_SECONDS),
    )
    nothing = await held(service, database_url)
    topups = await open_topups(service.url, database_url, VANISHED)
    streams = [open_stream(service.url, topup) for topup in topups]
    assert await metric(service, "napvi_streams_open") == VANISHED
    for stream in streams:
        vanish(stream)

    async def forgotten() -> bool:
        return await held(service, database_url) == nothing

    async with asyncio.timeout(HEARTBEAT_SECONDS + READER_TIMEOUT_SECONDS + PATIENCE_SECONDS):
        await until(forgotten)
    for stream in streams:
        stream.close()


async def test_of_ten_thousand_visits_however_short_nothing_stays(
    database_url: str, serve: Serve, many_files: None
) -> None:
    service = serve(database_url)
    nothing = await held(service, database_url)
    topups = await open_topups(service.url, database_url, TOPUPS)
    visits = Visits(service.url, topups)

    async def forgotten() -> bool:
        return await held(service, database_url) == nothing

    await visits.pay(WARM_UP)
    await until(forgotten)
    before, files = resident_mib(service), open_files(service)
    await visits.pay(CYCLES - WARM_UP)
    await until(forgotten)
    after = resident_mib(service)
    print(f"resident: {before:.1f} MiB after {WARM_UP} visits, {after:.1f} after {CYCLES}")
    assert after < before + LEFT_MIB_MAX

    async def closed() -> bool:
        return open_files(service) <= files

    await until(closed)


class Visits:
    """Browsers that leave at any moment: before the answer, during it, or after the first state."""

    def __init__(self, url: str, topups: Sequence[OpenTopup], seed: int = 1) -> None:
        self._url = url
        self._topups = topups
        self._random = random.Random(seed)

    async def pay(self, count: int) -> None:
        """Pays so many visits, some at the same time."""
        todo = iter(range(count))
        async with asyncio.TaskGroup() as visitors:
            for _ in range(AT_ONCE):
                visitors.create_task(self._visit_for_each(todo))

    async def _visit_for_each(self, todo: Iterator[int]) -> None:
        for _ in todo:
            seconds = self._random.uniform(0, 3 * EARLY_SECONDS_MAX)
            await self._visit(self._random.choice(self._topups), seconds)

    async def _visit(self, topup: OpenTopup, seconds: float) -> None:
        address = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(request(topup))
        if seconds < EARLY_SECONDS_MAX:
            await asyncio.sleep(seconds)
            reset_on_close(writer.get_extra_info("socket"))
        else:
            await reader.readuntil(FIRST_STATE)
        writer.transport.abort()


async def held(service: Service, database_url: str) -> tuple[float, float, int]:
    """Streams that are open, channels that are listened to, leases that are taken."""
    return (
        await metric(service, "napvi_streams_open"),
        await metric(service, "napvi_channels_listened"),
        await leases(database_url),
    )
