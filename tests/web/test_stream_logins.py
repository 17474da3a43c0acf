"""A stream ends with the login it was opened under, and tells a browser that comes back so."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any, LiteralString

import pytest

from tests.payments import query
from tests.web.event_stream import Stream
from tests.web.line import client
from tests.web.service import Napvi, Payer, running

WITHIN_SECONDS = 1.0
OFTEN = {"stream_check_seconds": 0.1}
REVOKE = "SELECT topup.revoke_session(session_hash) FROM topup.sessions"


def cookie_of(payer: Payer) -> str:
    return f"napvi_session={payer.client.cookies['napvi_session']}"


async def last_code(stream: Stream) -> str:
    (message,) = await stream.rest()
    assert message.event == "error"
    return str(message.json["code"])


async def test_a_logout_ends_the_streams_of_this_login_in_every_process(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    cookie = cookie_of(payer)
    async with running(database_url) as elsewhere, AsyncExitStack() as stack:
        there = Payer(await stack.enter_async_context(client(elsewhere.url)))
        streams = [
            await stack.enter_async_context(somebody.stream(topup["tx_ref"], Cookie=cookie))
            for somebody in (payer, there, there)
        ]
        for stream in streams:
            await stream.until_seq(2)
        await payer.client.post("/api/auth/logout", json={})
        async with asyncio.timeout(WITHIN_SECONDS):
            codes = await asyncio.gather(*map(last_code, streams))
        assert codes == ["not_logged_in"] * 3
        async with there.stream(topup["tx_ref"], Cookie=cookie) as again:
            assert again.response.status_code == 401


async def test_other_logins_of_the_same_user_stream_on(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"]) as kept, napvi.payer() as stranger:
        await kept.until_seq(2)
        foreign = await stranger.open()
        async with stranger.stream(foreign["tx_ref"]) as stream:
            await stream.until_seq(2)
            await stranger.client.post("/api/auth/logout", json={})
            assert await last_code(stream) == "not_logged_in"
        await napvi.pay(topup["order_code"], 50_000)
        assert [message.json["seq"] for message in await kept.rest()] == [3]


async def test_a_login_that_is_revoked_with_sql_ends_its_streams(
    payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await query(database_url, REVOKE)
        async with asyncio.timeout(WITHIN_SECONDS):
            assert await last_code(stream) == "not_logged_in"


@pytest.mark.parametrize("service_settings", [OFTEN])
@pytest.mark.parametrize(
    "end",
    [
        "UPDATE topup.sessions SET expires_at = now() RETURNING 1",
        "UPDATE topup.sessions SET last_seen_at = now() - interval '1 hour' RETURNING 1",
    ],
    ids=["absolute", "idle"],
)
async def test_a_login_that_ends_by_time_ends_its_streams(
    payer: Payer, topup: dict[str, Any], database_url: str, end: LiteralString
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await query(database_url, end)
        assert await last_code(stream) == "not_logged_in"


@pytest.mark.parametrize("service_settings", [{**OFTEN, "session_idle_seconds": 1}])
async def test_an_open_stream_does_not_keep_a_login_awake(
    payer: Payer, topup: dict[str, Any]
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        assert await last_code(stream) == "not_logged_in"


async def test_a_logout_beside_an_opening_leaves_no_stream(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    """At whatever moment it comes: the stream is refused or ended."""
    async with AsyncExitStack() as stack:
        cookie = cookie_of(payer)

        async def come(number: int) -> Stream:
            await asyncio.sleep(number / 1_000)
            return await stack.enter_async_context(payer.stream(topup["tx_ref"], Cookie=cookie))

        coming = [asyncio.create_task(come(number)) for number in range(60)]
        await coming[20]
        await payer.client.post("/api/auth/logout", json={})
        streams = await asyncio.gather(*coming)
        async with asyncio.timeout(WITHIN_SECONDS):
            for stream in streams:
                if stream.response.status_code == 200:
                    await stream.rest()
                    assert stream.source.messages[-1].json["code"] == "not_logged_in"
                else:
                    assert stream.response.status_code == 401


async def test_a_plain_event_source_asks_twice_about_a_finished_topup(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    """It reconnects after every end, with the last id, and stops at 204."""
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await napvi.pay(topup["order_code"], 50_000)
        await stream.rest()
    requests, last_event_id = 1, stream.source.last_event_id
    for _ in range(5):
        requests += 1
        async with payer.stream(topup["tx_ref"], last_event_id) as again:
            if again.response.status_code == 204:
                break
            await again.rest()
    assert requests == 2
