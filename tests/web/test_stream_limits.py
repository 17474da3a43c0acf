"""How many streams there may be, and what the ones above that are told."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from app.metrics.labels import StreamClose, StreamRefusal
from tests.payments import query
from tests.stream.leasing import holding_up
from tests.web.event_stream import Stream
from tests.web.line import PATIENCE_SECONDS, client, eventually
from tests.web.service import Napvi, Payer, running
from tests.web.stream_places import closed, refused

LIMIT = 3
NO_SPARE = {"streams_per_user_max": LIMIT, "stream_spare_seconds": 0.01}
ALL_SPARED = {"streams_per_user_max": LIMIT, "stream_spare_seconds": 60.0}
OLD_ENOUGH_SECONDS = 0.02
BUSY_MILLISECONDS = range(8_000, 12_001)
YIELD_MILLISECONDS = range(24_000, 36_001)


async def open_streams(
    stack: AsyncExitStack, payer: Payer, tx_ref: str, count: int
) -> list[Stream]:
    """Keep them: one that is forgotten is closed."""
    streams = []
    for _ in range(count):
        stream = await stack.enter_async_context(payer.stream(tx_ref))
        await stream.until_seq(2)
        streams.append(stream)
    return streams


async def only_error(stream: Stream) -> str:
    """The code of a stream that is nothing but an error; a browser comes back after a 200."""
    assert stream.response.status_code == 200
    (message,) = await stream.rest()
    assert message.event == "error"
    return str(message.json["code"])


@pytest.mark.parametrize("service_settings", [NO_SPARE])
async def test_the_newest_takes_the_place_of_the_oldest_which_is_told_to_wait_long(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        oldest, *others = await open_streams(stack, payer, topup["tx_ref"], LIMIT)
        await asyncio.sleep(OLD_ENOUGH_SECONDS)
        newest = await open_streams(stack, payer, topup["tx_ref"], 1)
        (last,) = await oldest.rest()
        assert (last.event, last.json["code"]) == ("error", "superseded")
        assert oldest.source.retry_milliseconds in YIELD_MILLISECONDS
        assert oldest.source.last_event_id == "2"
        await napvi.pay(topup["order_code"], 50_000)
        for stream in [*others, *newest]:
            assert [message.json["seq"] for message in await stream.rest()] == [3]


async def test_the_limit_of_a_payer_holds_over_two_services(
    database_url: str, cheap_hasher: None
) -> None:
    async with (
        running(database_url, **NO_SPARE, stream_check_seconds=3600.0) as one,
        running(database_url, **NO_SPARE, stream_check_seconds=3600.0) as other,
        one.payer() as payer,
        client(other.url) as visitor,
        AsyncExitStack() as stack,
    ):
        topup = await payer.open()
        visitor.cookies = payer.client.cookies
        oldest, *others = await open_streams(stack, payer, topup["tx_ref"], LIMIT)
        await asyncio.sleep(OLD_ENOUGH_SECONDS)
        newest = await open_streams(stack, Payer(visitor), topup["tx_ref"], 1)
        assert [message.json["code"] for message in await oldest.rest()] == ["superseded"]
        await eventually(lambda: len(one.app.streaming.leases) == LIMIT - 1)
        assert (one.app.streaming.hub.streams, other.app.streaming.hub.streams) == (
            len(others),
            len(newest),
        )
        assert closed(one, StreamClose.SUPERSEDED) == 1


@pytest.mark.parametrize("service_settings", [ALL_SPARED])
async def test_while_all_are_young_the_newest_is_told_to_come_back(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        young = await open_streams(stack, payer, topup["tx_ref"], LIMIT)
        async with payer.stream(topup["tx_ref"]) as stream:
            assert await only_error(stream) == "too_many"
        assert stream.source.retry_milliseconds in BUSY_MILLISECONDS
        assert napvi.app.streaming.hub.streams == len(young) == LIMIT
        assert refused(napvi, StreamRefusal.TOO_MANY) == 1
        async with napvi.payer() as other:
            tx_ref = (await other.open())["tx_ref"]
            await open_streams(stack, other, tx_ref, 1)  # the limit is of one user


@pytest.mark.parametrize("service_settings", [{"streams_per_process_max": 2}])
async def test_a_full_process_is_busy_until_somebody_leaves(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        async with AsyncExitStack() as leaving:
            stays = await open_streams(stack, payer, topup["tx_ref"], 1)
            leaves = await open_streams(leaving, payer, topup["tx_ref"], 1)
            async with payer.stream(topup["tx_ref"]) as stream:
                assert await only_error(stream) == "busy"
            assert stream.source.retry_milliseconds in BUSY_MILLISECONDS
            assert refused(napvi, StreamRefusal.BUSY) == 1
            assert len(napvi.app.streaming.leases) == len(stays + leaves)
        await eventually(lambda: len(napvi.app.streaming.leases) == 1)
        await open_streams(stack, payer, topup["tx_ref"], 1)


@pytest.mark.parametrize(
    ("service_settings", "crowd"),
    [
        ({"stream_openings_at_once": 1, "stream_openings_waiting_max": 1}, 3),
        ({"stream_openings_at_once": 1, "stream_opening_seconds_max": 0.2}, 2),
    ],
    ids=["too many wait", "it waited too long"],
)
async def test_the_last_of_a_crowd_at_the_door_is_told_that_it_is_busy(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str, crowd: int
) -> None:
    ((user_id,),) = await query(database_url, "SELECT user_id FROM topup.users")

    async def visit() -> str:
        async with payer.stream(topup["tx_ref"]) as stream:
            message = await stream.until(lambda _: True)
            return str(message.json.get("code", "let in"))

    async with holding_up(database_url, user_id):
        visits = []
        for arrived in range(crowd):
            await eventually(lambda arrived=arrived: napvi.line.under_way == arrived)  # type: ignore[misc]
            visits.append(asyncio.create_task(visit()))
        done, _ = await asyncio.wait(visits, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == ["busy"]
        assert done == {visits[-1]}
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await asyncio.gather(*visits[:-1]) == ["let in"] * (crowd - 1)
    await eventually(lambda: napvi.line.under_way == 0)


@pytest.mark.parametrize("service_settings", [{"stream": "off"}])
async def test_where_the_stream_is_off_browsers_are_told_so_and_nothing_is_held(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        assert await only_error(stream) == "off"
    assert stream.source.retry_milliseconds in YIELD_MILLISECONDS
    assert refused(napvi, StreamRefusal.OFF) == 1
    await eventually(lambda: len(napvi.app.streaming.leases) == 0)


@pytest.mark.parametrize("service_settings", [{"streams_per_process_max": 2}])
async def test_a_crowd_that_comes_at_once_does_not_exceed_the_limit_of_the_process(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        crowd = await asyncio.gather(
            *(stack.enter_async_context(payer.stream(topup["tx_ref"])) for _ in range(20))
        )
        first = await asyncio.gather(*(stream.until(lambda _: True) for stream in crowd))
        assert sum(message.event == "status-update" for message in first) == 2
        assert napvi.app.streaming.hub.streams == 2
