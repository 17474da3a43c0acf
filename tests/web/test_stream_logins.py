"""Streams end with the login under which they were opened, wherever and however that ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, LiteralString

import pytest

from tests.payments import query
from tests.web.event_stream import Stream
from tests.web.line import client, eventually
from tests.web.service import PASSWORD, Napvi, Payer, running

LOGOUT_SECONDS_MAX = 10.0  # the next look at all logins comes later
CROWD = 60
USUAL_RETRY_MILLISECONDS = range(1_600, 2_401)
CHECKED_OFTEN = {"stream_check_seconds": 0.05, "stream_heartbeat_seconds": 0.2}


async def username(payer: Payer) -> str:
    return str((await payer.client.get("/api/auth/me")).json()["username"])


@asynccontextmanager
async def other_login(napvi: Napvi, payer: Payer) -> AsyncIterator[Payer]:
    """The same user at another browser."""
    async with napvi.visitor() as visitor:
        account = {"username": await username(payer), "password": PASSWORD}
        assert (await visitor.post("/api/auth/login", json=account)).status_code == 200
        yield Payer(visitor)


async def logout(payer: Payer) -> None:
    assert (await payer.client.post("/api/auth/logout", json={})).is_success


async def assert_ended_by_login(stream: Stream) -> None:
    (message,) = [one for one in await stream.rest() if one.event != "heartbeat"]
    assert (message.event, message.json["code"]) == ("error", "not_logged_in")
    assert stream.source.retry_milliseconds in USUAL_RETRY_MILLISECONDS


@pytest.mark.alone
async def test_a_logout_ends_the_streams_of_that_login_and_not_of_the_other(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    async with (
        other_login(napvi, payer) as other,
        payer.stream(topup["tx_ref"]) as one,
        payer.stream(topup["tx_ref"]) as another,
        other.stream(topup["tx_ref"]) as spared,
    ):
        for stream in (one, another, spared):
            await stream.until_seq(2)
        await logout(payer)
        async with asyncio.timeout(LOGOUT_SECONDS_MAX):
            await assert_ended_by_login(one)
            await assert_ended_by_login(another)
        await napvi.pay(topup["order_code"], 50_000)
        assert [message.json["seq"] for message in await spared.rest()] == [3]
    async with payer.stream(topup["tx_ref"]) as refused:
        assert refused.response.status_code == 401


@pytest.mark.alone
async def test_a_logout_at_one_service_ends_the_streams_at_another(
    database_url: str, cheap_hasher: None
) -> None:
    async with (
        running(database_url) as one,
        running(database_url) as other,
        one.payer() as payer,
        client(other.url) as visitor,
    ):
        topup = await payer.open()
        visitor.cookies = payer.client.cookies
        async with Payer(visitor).stream(topup["tx_ref"]) as stream:
            await stream.until_seq(2)
            cookie = payer.client.cookies["napvi_session"]
            await logout(payer)
            async with asyncio.timeout(LOGOUT_SECONDS_MAX):
                await assert_ended_by_login(stream)
        visitor.cookies.set("napvi_session", cookie)
        assert (await visitor.get("/api/wallet")).status_code == 401
        await eventually(lambda: other.app.streaming.hub.streams == 0)


@pytest.mark.alone
async def test_a_revocation_with_sql_ends_the_streams(
    payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await query(database_url, "SELECT topup.revoke_session(session_hash) FROM topup.sessions")
        async with asyncio.timeout(LOGOUT_SECONDS_MAX):
            await assert_ended_by_login(stream)


@pytest.mark.parametrize(
    ("service_settings", "pass_by"),
    [
        (
            CHECKED_OFTEN | {"session_idle_seconds": 600},
            "UPDATE topup.sessions SET last_seen_at = last_seen_at - %s RETURNING 1",
        ),
        (
            CHECKED_OFTEN | {"session_absolute_seconds": 600},
            "UPDATE topup.sessions SET expires_at = expires_at - %s RETURNING 1",
        ),
    ],
    ids=["idle", "too old"],
)
async def test_a_login_that_ends_by_time_takes_its_streams_with_it(
    payer: Payer, topup: dict[str, Any], database_url: str, pass_by: LiteralString
) -> None:
    """An open stream, heard or not, is no sign of life: it does not keep a login awake."""
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.until_seq(2)
        await query(database_url, pass_by, timedelta(minutes=8))
        for _ in range(3):
            await stream.until(lambda message: message.event == "heartbeat")
        await query(database_url, pass_by, timedelta(minutes=2))
        await assert_ended_by_login(stream)
    async with payer.stream(topup["tx_ref"]) as refused:
        assert refused.response.status_code == 401
    assert (await payer.client.get("/api/wallet")).status_code == 401


@pytest.mark.alone
async def test_a_logout_beside_openings_leaves_no_stream(
    payer: Payer, topup: dict[str, Any]
) -> None:
    """At whatever moment it comes: each stream is refused or ended."""
    cookie = f"napvi_session={payer.client.cookies['napvi_session']}"
    async with AsyncExitStack() as stack:

        async def come(number: int) -> Stream:
            await asyncio.sleep(number / 1_000)
            return await stack.enter_async_context(payer.stream(topup["tx_ref"], Cookie=cookie))

        coming = [asyncio.create_task(come(number)) for number in range(CROWD)]
        await coming[CROWD // 3]
        await logout(payer)
        streams = await asyncio.gather(*coming)
        async with asyncio.timeout(LOGOUT_SECONDS_MAX):
            for stream in streams:
                if stream.response.status_code != 401:
                    assert (await stream.rest())[-1].json["code"] == "not_logged_in"
