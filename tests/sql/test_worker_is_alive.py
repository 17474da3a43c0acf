"""worker_is_alive: as long as some connection holds its lock."""

from tests.leases import working
from tests.payments import connected, query

ALIVE = "SELECT topup.worker_is_alive(7)"


async def test_it_lives_while_its_connection_does(database_url: str) -> None:
    assert await query(database_url, ALIVE) == [(False,)]
    async with working(database_url, 7):
        assert await query(database_url, ALIVE) == [(True,)]
    async with working(database_url, 8):
        assert await query(database_url, ALIVE) == [(False,)]


async def test_it_is_dead_the_moment_its_backend_is(database_url: str) -> None:
    async with working(database_url, 7) as worker:
        pid = worker.connection.info.backend_pid
        await query(database_url, "SELECT pg_terminate_backend(%s, 5000)", pid)
        assert await query(database_url, ALIVE) == [(False,)]


async def test_two_connections_of_a_worker_live_one_life(database_url: str) -> None:
    """After a silent cut the old one is still there when the new one comes."""
    async with working(database_url, 7):
        async with working(database_url, 7):
            pass
        assert await query(database_url, ALIVE) == [(True,)]


async def test_who_asks_does_not_make_a_dead_worker_look_alive(database_url: str) -> None:
    async with connected(database_url) as one, one.transaction():
        await one.execute(ALIVE)
        assert await query(database_url, ALIVE) == [(False,)]


async def test_other_locks_are_no_sign_of_life(database_url: str) -> None:
    async with connected(database_url) as other:
        await other.execute("SELECT pg_advisory_lock_shared(7282, 7)")
        await other.execute("SELECT pg_advisory_lock_shared((7281::bigint << 32) + 7)")
        assert await query(database_url, ALIVE) == [(False,)]
