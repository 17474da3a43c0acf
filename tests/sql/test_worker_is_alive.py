"""worker_is_alive: a worker lives while some connection holds its lock."""

import asyncio

from tests.payments import connected, query
from tests.sql.streams import alive

IS_ALIVE = "SELECT topup.worker_is_alive(%s)"
NOT_YET = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def is_alive(url: str, worker_id: int) -> bool:
    [(answer,)] = await query(url, IS_ALIVE, worker_id)
    return bool(answer)


async def test_the_worker_that_holds_its_lock_lives_and_no_other(database_url: str) -> None:
    async with alive(database_url, 2**31 - 1):
        assert await is_alive(database_url, 2**31 - 1)
        assert not await is_alive(database_url, 2)


async def test_after_a_silent_cut_both_connections_hold_it_and_one_is_enough(
    database_url: str,
) -> None:
    async with alive(database_url, 1):
        async with alive(database_url, 1):
            assert await is_alive(database_url, 1)
        assert await is_alive(database_url, 1)


async def test_it_is_dead_when_its_connection_is_killed(database_url: str) -> None:
    async with alive(database_url, 1):
        await query(
            database_url,
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'",
        )
        assert not await is_alive(database_url, 1)


async def test_asking_about_a_dead_one_holds_it_back_only_until_the_transaction_ends(
    database_url: str,
) -> None:
    async def come_up() -> None:
        async with alive(database_url, 1):
            pass

    async with connected(database_url) as connection:
        async with connection.transaction():
            await connection.execute(IS_ALIVE, (1,))
            coming = asyncio.create_task(come_up())
            while await query(database_url, NOT_YET) == [(0,)]:
                assert not coming.done()
        await coming
