"""worker_is_alive: a worker lives while some connection holds its lock."""

from tests.payments import connected, query
from tests.sql.streams import alive

IS_ALIVE = "SELECT topup.worker_is_alive(%s)"


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


async def test_who_asks_neither_revives_a_dead_one_nor_holds_it_back(database_url: str) -> None:
    async with connected(database_url) as connection, connection.transaction():
        await connection.execute(IS_ALIVE, (1,))
        assert not await is_alive(database_url, 1)
        async with alive(database_url, 1):
            assert await is_alive(database_url, 1)


async def test_other_locks_are_no_sign_of_life(database_url: str) -> None:
    async with connected(database_url) as other:
        await other.execute("SELECT pg_advisory_lock_shared(7282, 1)")
        await other.execute("SELECT pg_advisory_lock_shared((7281::bigint << 32) + 1)")
        assert not await is_alive(database_url, 1)
