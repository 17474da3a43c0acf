"""A stream's place is free again however the stream ends, or fails to begin."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from app.metrics.labels import StreamClose
from tests.payments import query
from tests.stream.leasing import holding_up, until, waiting_for_a_lock
from tests.web.line import eventually
from tests.web.raw_http import connection
from tests.web.reader import reading
from tests.web.service import Napvi, Payer
from tests.web.stream_places import closed, cookie_of, nothing_is_leased
from tests.web.test_stream import transfer_by_hand

VISITS, AT_ONCE = 300, 50
SHORT = {"stream_send_timeout_seconds": 1.0}


@pytest.mark.parametrize("service_settings", [SHORT])
async def test_an_answer_that_never_starts_frees_its_place(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    query_string = f"tx_ref={topup['tx_ref']}"
    async with reading(napvi.app, cookie_of(payer), query_string) as (reader, serving):
        await reader.offered.wait()
        assert len(napvi.app.streaming.leases) == 1
        await asyncio.wait({serving})
        assert serving.cancelled()
        await nothing_is_leased(napvi, database_url)
    assert closed(napvi, StreamClose.SLOW) == 1


@pytest.mark.parametrize("service_settings", [SHORT])
async def test_a_write_that_never_ends_frees_its_place_and_harms_nobody_else(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    query_string = f"tx_ref={topup['tx_ref']}"
    async with (
        payer.stream(topup["tx_ref"]) as other,
        reading(napvi.app, cookie_of(payer), query_string) as (reader, serving),
    ):
        reader.read()
        await other.until_seq(2)
        await eventually(lambda: len(reader.source.messages) == 1)
        reader.stop_reading()
        await transfer_by_hand(database_url, topup["tx_ref"])
        await other.until_seq(3)
        await asyncio.wait({serving})
        assert closed(napvi, StreamClose.SLOW) == 1
        assert len(napvi.app.streaming.leases) == 1
        await transfer_by_hand(database_url, topup["tx_ref"])
        await other.until_seq(4)
    await nothing_is_leased(napvi, database_url)


@pytest.mark.parametrize("moment", ["at the door", "while it streams"])
async def test_a_handler_that_is_cancelled_frees_its_place(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str, moment: str
) -> None:
    query_string = f"tx_ref={topup['tx_ref']}"
    async with reading(napvi.app, cookie_of(payer), query_string) as (reader, serving):
        reader.read()
        if moment == "while it streams":
            await eventually(lambda: len(reader.source.messages) == 1)
        else:
            await asyncio.sleep(0)
        serving.cancel()
        await asyncio.wait({serving})
        assert serving.cancelled()
    await nothing_is_leased(napvi, database_url)


async def test_a_handler_that_is_cancelled_while_it_is_decided_frees_its_place(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    ((user_id,),) = await query(database_url, "SELECT user_id FROM topup.users")
    query_string = f"tx_ref={topup['tx_ref']}"
    async with (
        holding_up(database_url, user_id),
        reading(napvi.app, cookie_of(payer), query_string) as (_, serving),
    ):
        await until(lambda: waiting_for_a_lock(database_url), 1)
        serving.cancel()
        await asyncio.wait({serving})
        assert serving.cancelled()
    await nothing_is_leased(napvi, database_url)
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)


async def test_who_waits_at_the_door_while_the_service_drains_is_told_to_come_back(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    ((user_id,),) = await query(database_url, "SELECT user_id FROM topup.users")
    query_string = f"tx_ref={topup['tx_ref']}"
    async with AsyncExitStack() as stack:
        async with holding_up(database_url, user_id):
            browser = reading(napvi.app, cookie_of(payer), query_string)
            reader, serving = await stack.enter_async_context(browser)
            reader.read()
            await until(lambda: waiting_for_a_lock(database_url), 1)
            await napvi.app.drain()
        await serving
        assert reader.source.messages == []
        assert reader.source.retry_milliseconds is not None
        assert reader.source.retry_milliseconds <= 1_000
    assert closed(napvi, StreamClose.SHUTDOWN) == 1
    await nothing_is_leased(napvi, database_url)


async def test_a_write_that_fails_ends_the_stream_and_loses_nothing(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    query = f"tx_ref={topup['tx_ref']}"
    async with reading(napvi.app, cookie_of(payer), query) as (reader, serving):
        reader.read()
        await eventually(lambda: len(reader.source.messages) == 1)
        reader.fail()
        await napvi.pay(topup["order_code"], 50_000)
        await asyncio.wait({serving})
    assert "event=stream.failed reason=send" in caplog.text
    assert napvi.app.streaming.hub.streams == 0
    async with payer.stream(topup["tx_ref"], last_event_id=2) as resumed:
        assert [message.json["seq"] for message in await resumed.rest()] == [3]


async def test_of_hundreds_of_short_visits_not_even_a_task_stays(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    request = (
        f"GET /api/topup/stream?tx_ref={topup['tx_ref']} HTTP/1.1\r\n"
        f"Host: napvi\r\nCookie: {cookie_of(payer)}\r\n\r\n"
    ).encode()
    moments = (None, b"HTTP", b"retry", b"}\n\n")

    async def visit(number: int) -> None:
        async with connection(napvi.url) as (reader, writer):
            writer.write(request)
            if (moment := moments[number % len(moments)]) is not None:
                await reader.readuntil(moment)

    await visit(0)
    await nothing_is_leased(napvi, database_url)
    before = len(asyncio.all_tasks())
    for start in range(0, VISITS, AT_ONCE):
        await asyncio.gather(*(visit(start + number) for number in range(AT_ONCE)))
    await nothing_is_leased(napvi, database_url)
    await eventually(lambda: len(asyncio.all_tasks()) <= before)
    assert napvi.app.streaming.hub.channels == 0
