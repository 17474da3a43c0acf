"""expire_streams: streams end with their login, also when it ends by time alone."""

from typing import LiteralString

import pytest

from tests.payments import Process, query
from tests.sql.streams import Payer, alive, come, grow_older, leases, worker


@pytest.fixture
async def anna(process: Process, database_url: str) -> Payer:
    return await come(database_url, process)


@pytest.mark.parametrize(
    "change",
    [
        "revoked_at = clock_timestamp()",
        "expires_at = clock_timestamp()",
        "last_seen_at = clock_timestamp() - interval '1801 s'",
    ],
)
async def test_a_login_that_was_ended_or_ran_out_ends_its_streams_and_no_others(
    process: Process, database_url: str, anna: Payer, change: LiteralString
) -> None:
    """Revoked without a word: by hand, or while a stream was being opened."""
    ben = await come(database_url, process)
    async with worker(database_url) as one:
        await one.open(anna.asks(1), anna.asks(2), ben.asks(3))
        await query(
            database_url,
            f"UPDATE topup.sessions SET {change} WHERE session_hash = %s RETURNING 1",
            anna.session_hash,
        )
        await one.expire()
        assert await one.take_ended() == {1: "login_ended", 2: "login_ended"}
    assert await leases(database_url) == {(1, 3): None}


async def test_a_login_that_is_gone_ends_its_streams(database_url: str, anna: Payer) -> None:
    async with worker(database_url) as one:
        await one.open(anna.asks(1))
        await query(database_url, "DELETE FROM topup.sessions RETURNING 1")
        await one.expire()
    assert await leases(database_url) == {(1, 1): "login_ended"}


async def test_an_open_stream_does_not_keep_its_login_awake(database_url: str, anna: Payer) -> None:
    async with worker(database_url) as one:
        await one.open(anna.asks(1))
        await query(
            database_url,
            "UPDATE topup.sessions SET last_seen_at = last_seen_at - interval '61 s' RETURNING 1",
        )
        before = await query(database_url, "SELECT xmin::text, * FROM topup.sessions")
        await one.expire()
        assert await query(database_url, "SELECT xmin::text, * FROM topup.sessions") == before
        await one.expire(idle_seconds=60)
    assert await leases(database_url) == {(1, 1): "login_ended"}


async def test_each_worker_looks_after_its_own(database_url: str, anna: Payer) -> None:
    async with (
        alive(database_url, 2),
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
    ):
        await one.open(anna.asks(1))
        await two.open(anna.asks(1))
        await one.expire(idle_seconds=0)
    assert await leases(database_url) == {(1, 1): "login_ended", (2, 1): None}


async def test_what_was_ended_before_keeps_its_reason(database_url: str, anna: Payer) -> None:
    async with worker(database_url) as one:
        await one.open(anna.asks(1), anna.asks(2))
        await grow_older(database_url, 10, 1)
        await one.open(anna.asks(3), per_user_max=2)
        await one.expire(idle_seconds=0)
        assert await one.take_ended() == {1: "superseded", 2: "login_ended", 3: "login_ended"}


async def test_what_dead_workers_left_is_forgotten(database_url: str, anna: Payer) -> None:
    """Its own stays, though nobody sees this worker live either."""
    async with (
        alive(database_url, 3),
        worker(database_url, 1) as one,
        worker(database_url, 2) as dead,
        worker(database_url, 3) as other,
    ):
        for each in (one, dead, other):
            await each.open(anna.asks(1), anna.asks(2))
        await one.expire()
    assert await leases(database_url) == dict.fromkeys([(1, 1), (1, 2), (3, 1), (3, 2)])
