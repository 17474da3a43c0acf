"""How many streams: of one user over all processes, of one process, at the door."""

import asyncio
import gc
from contextlib import AsyncExitStack
from typing import Any

import pytest

from app.metrics import StreamClose
from app.stream.subscription import Subscription
from tests.payments import query
from tests.stream.leasing import holding_up, leased
from tests.web.event_stream import Stream
from tests.web.line import client, eventually
from tests.web.reader import reading
from tests.web.service import Napvi, Payer, running

CYCLES = 2_000
AT_ONCE = 20
WITHOUT_SPARING = {"streams_per_user_max": 2, "stream_spare_seconds": 0.001}


def cookie_of(payer: Payer) -> str:
    return f"napvi_session={payer.client.cookies['napvi_session']}"


async def refusal(stream: Stream) -> str:
    """The code of an answer that ends without a state."""
    assert stream.response.status_code == 200
    (message,) = await stream.rest()
    assert stream.source.retry_milliseconds is not None
    assert 8_000 <= stream.source.retry_milliseconds <= 12_000
    return str(message.json["code"])


@pytest.mark.parametrize("service_settings", [WITHOUT_SPARING])
async def test_the_newest_wins_in_whichever_process(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    cookie = cookie_of(payer)
    async with (
        running(database_url, **WITHOUT_SPARING) as elsewhere,
        client(elsewhere.url) as tab,
        AsyncExitStack() as stack,
    ):
        there = Payer(tab)
        oldest = await stack.enter_async_context(payer.stream(topup["tx_ref"]))
        await oldest.until_seq(2)
        newer = [
            await stack.enter_async_context(there.stream(topup["tx_ref"], Cookie=cookie))
            for _ in range(2)
        ]
        for stream in newer:
            await stream.until_seq(2)
        (message,) = await oldest.rest()
        assert (message.event, message.json["code"]) == ("error", "superseded")
        assert oldest.source.retry_milliseconds is not None
        assert 24_000 <= oldest.source.retry_milliseconds <= 36_000
        await napvi.pay(topup["order_code"], 50_000)
        for stream in newer:
            assert [m.json["seq"] for m in await stream.rest()] == [3]


@pytest.mark.parametrize("service_settings", [{"streams_per_user_max": 2}])
async def test_while_all_streams_are_young_the_newest_comes_back_later(
    payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as one, payer.stream(topup["tx_ref"]) as other:
        await one.until_seq(2)
        await other.until_seq(2)
        async with payer.stream(topup["tx_ref"]) as third:
            assert await refusal(third) == "too_many"


@pytest.mark.parametrize("service_settings", [{"streams_per_process_max": 2}])
async def test_a_full_process_is_busy_until_somebody_leaves(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as one:
        await one.until_seq(2)
        async with payer.stream(topup["tx_ref"]) as other:
            await other.until_seq(2)
            async with payer.stream(topup["tx_ref"]) as third:
                assert await refusal(third) == "busy"
        await eventually(lambda: len(napvi.app.leases) == 1)
        async with payer.stream(topup["tx_ref"]) as third:
            await third.until_seq(2)


@pytest.mark.parametrize(
    "service_settings", [{"streams_per_process_max": 5, "stream_openings_at_once": 1}]
)
async def test_a_crowd_that_comes_at_once_does_not_overfill_a_process(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with AsyncExitStack() as stack:
        crowd = await asyncio.gather(
            *(stack.enter_async_context(payer.stream(topup["tx_ref"])) for _ in range(AT_ONCE))
        )
        for stream in crowd:
            await stream.begun()
        assert len(napvi.app.leases) == napvi.app.hub.streams == 5


@pytest.mark.parametrize(
    "service_settings",
    [
        {"stream_openings_at_once": 1, "stream_opening_seconds_max": 0.1},
        {"stream_openings_at_once": 1, "stream_openings_waiting_max": 1},
    ],
    ids=["waited for too long", "too many wait"],
)
async def test_a_crowd_at_the_door_is_told_to_come_back(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    """Nobody gets further while somebody holds the lock of this user's streams."""
    ((user_id,),) = await query(database_url, "SELECT user_id FROM topup.users")
    async with AsyncExitStack() as stack:

        async def come() -> Stream:
            return await stack.enter_async_context(payer.stream(topup["tx_ref"]))

        async with holding_up(database_url, user_id):
            crowd = [asyncio.create_task(come()) for _ in range(4)]
            await eventually(lambda: sum(task.done() for task in crowd) >= 2)
            codes = [await refusal(task.result()) for task in crowd if task.done()]
            assert set(codes) == {"busy"}
            async with napvi.visitor() as other:
                assert (await other.get("/healthz")).status_code == 200
        for task in crowd:
            await task


@pytest.mark.parametrize("moment", range(8))
async def test_a_request_that_is_cancelled_anywhere_leaves_nothing_behind(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], moment: int, database_url: str
) -> None:
    query_string = f"tx_ref={topup['tx_ref']}"
    async with reading(napvi.app, cookie_of(payer), query_string) as (reader, serving):
        reader.read()
        for _ in range(moment * 3):
            await asyncio.sleep(0.0005)
        serving.cancel()
        await asyncio.wait({serving})
        reader.leave()
        await nothing_is_left(napvi, database_url)


async def nothing_is_left(napvi: Napvi, url: str) -> None:
    app = napvi.app
    await eventually(lambda: (app.hub.streams, app.hub.channels, len(app.leases)) == (0, 0, 0))
    async with asyncio.timeout(10):
        while await leased(url):  # noqa: ASYNC110 another process has the last word
            await asyncio.sleep(0.005)


async def test_thousands_that_come_and_go_leave_nothing_behind(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    host, port = napvi.url.removeprefix("http://").split(":")
    request = (
        f"GET /api/topup/stream?tx_ref={topup['tx_ref']} HTTP/1.1\r\n"
        f"Host: {host}\r\nCookie: {cookie_of(payer)}\r\n\r\n"
    ).encode()

    async def come_and_go(first: int) -> None:
        for number in range(first, CYCLES, AT_ONCE):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(request)
            if number % 3:
                await reader.readuntil([b"HTTP", b"}\n\n"][number % 3 - 1])
            if number % 2:
                writer.transport.abort()
            writer.close()

    tasks_before = len(asyncio.all_tasks())
    listened_before = len(napvi.app.listener._channels)
    await asyncio.gather(*(come_and_go(first) for first in range(AT_ONCE)))
    await nothing_is_left(napvi, database_url)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks_before)
    assert len(napvi.app.listener._channels) == listened_before
    gc.collect()
    left = [found for found in gc.get_objects() if isinstance(found, Subscription)]
    assert len(left) < AT_ONCE, "names of loops that wait hold the last ones"
    closed = napvi.app.metrics.streams_closed.labels(StreamClose.GONE)._value.get()
    assert closed > CYCLES / 2
