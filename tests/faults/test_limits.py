"""More streams than a payer may have: nobody is locked out, and nobody runs in circles."""

import asyncio
import signal

from tests.bulk import open_topups
from tests.faults.follower import Follower, following
from tests.faults.inspection import metric
from tests.faults.raw_streams import open_stream, vanish
from tests.faults.serving import MARKS, Serve
from tests.processes.payer import until

pytestmark = MARKS

LIMIT = 3
TABS = 5
FASTER = 5
"""The times that keep tabs from evicting each other are a fifth of the defaults."""

WATCHED_SECONDS = 6.0


async def test_whose_streams_have_all_vanished_gets_a_new_one_at_once(
    database_url: str, serve: Serve
) -> None:
    service = serve(
        database_url,
        NAPVI_STREAMS_PER_USER_MAX=str(LIMIT),
        NAPVI_STREAM_SPARE_SECONDS="0.5",
    )
    *old, new = await open_topups(service.url, database_url, LIMIT + 1, payers=1)
    vanished = [open_stream(service.url, topup) for topup in old]
    for stream in vanished:
        vanish(stream)
    await asyncio.sleep(0.5)  # younger ones do not have to make room
    open_stream(service.url, new).close()  # its first state has come

    async def superseded() -> bool:
        return await metric(service, "napvi_streams_closed_total", 'reason="superseded"') == 1

    await until(superseded)
    for stream in vanished:
        stream.close()


async def test_the_streams_of_a_killed_process_do_not_count(
    database_url: str, serve: Serve
) -> None:
    changes = {
        "NAPVI_STREAMS_PER_USER_MAX": str(LIMIT),
        "NAPVI_STREAM_SPARE_SECONDS": "60",  # they would not have to make room
        "NAPVI_STREAM_BUSY_SECONDS": "0.1",
    }
    doomed, survivor = serve(database_url, **changes), serve(database_url, **changes)
    *old, new = await open_topups(survivor.url, database_url, LIMIT + 1, payers=1)
    streams = [open_stream(doomed.url, topup) for topup in old]
    follower = Follower([survivor.url], new.tx_ref, new.cookie)
    async with following([follower], to_the_end=False):
        while not follower.errors:  # noqa: ASYNC110 they count as long as it lives
            await asyncio.sleep(0.01)
        doomed.send(signal.SIGKILL)
        async with asyncio.timeout(10):  # a sweep comes later
            await follower.saw(1)
    assert set(follower.errors) == {"too_many"}
    for stream in streams:
        stream.close()


async def test_more_tabs_than_a_payer_may_have_do_not_evict_each_other_in_circles(
    database_url: str, serve: Serve
) -> None:
    service = serve(
        database_url,
        NAPVI_STREAMS_PER_USER_MAX="2",
        NAPVI_STREAM_RETRY_SECONDS=str(2 / FASTER),
        NAPVI_STREAM_SPARE_SECONDS=str(5 / FASTER),
        NAPVI_STREAM_BUSY_SECONDS=str(10 / FASTER),
        NAPVI_STREAM_YIELD_SECONDS=str(30 / FASTER),
    )
    topups = await open_topups(service.url, database_url, TABS, payers=1)
    tabs = [Follower([service.url], topup.tx_ref, topup.cookie, "") for topup in topups]
    async with following(tabs, to_the_end=False):
        await asyncio.sleep(WATCHED_SECONDS)
    openings = sum(tab.connections for tab in tabs) - TABS
    assert 0 < openings < FASTER * WATCHED_SECONDS
