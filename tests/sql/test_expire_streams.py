"""expire_streams: what ends by time alone, and what the dead left behind."""

from typing import LiteralString

import pytest

from tests.leases import Viewer, asks, leases, log_in, working
from tests.payments import Process, query

ENDS: dict[str, LiteralString] = {
    "absolute": "UPDATE topup.sessions SET expires_at = now() WHERE session_hash = %s RETURNING 1",
    "idle": "UPDATE topup.sessions SET last_seen_at = now() - interval '1 day' "
    "WHERE session_hash = %s RETURNING 1",
    "revoked by hand": "UPDATE topup.sessions SET revoked_at = now() "
    "WHERE session_hash = %s RETURNING 1",
    "gone": "DELETE FROM topup.sessions WHERE session_hash = %s RETURNING 1",
}


@pytest.fixture
async def viewer(database_url: str, process: Process) -> Viewer:
    return await log_in(database_url, process)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_a_login_that_is_over_ends_its_streams_and_no_others(
    database_url: str, process: Process, viewer: Viewer, end: LiteralString
) -> None:
    other = await log_in(database_url, process, viewer.user_id)
    async with working(database_url, 1) as worker:
        await worker.open(asks(1, viewer), asks(2, other))
        assert await worker.expire() == 2
        assert [ended for *_, ended in await leases(database_url)] == [None, None]
        await query(database_url, end, viewer.session_hash)
        assert await worker.expire() == 2
    assert await leases(database_url) == [(1, 1, "login_ended"), (1, 2, None)]


async def test_each_worker_ends_its_own(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1) as one, working(database_url, 2) as other:
        await one.open(asks(1, viewer))
        await other.open(asks(1, viewer))
        await query(database_url, ENDS["absolute"], viewer.session_hash)
        await one.expire()
        assert await leases(database_url) == [(1, 1, "login_ended"), (2, 1, None)]


async def test_the_reason_that_came_first_stays(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1, per_user_max=1) as worker:
        await worker.open(asks(1, viewer))
        await worker.open(asks(2, viewer))
        await query(database_url, ENDS["absolute"], viewer.session_hash)
        await worker.expire()
    assert await leases(database_url) == [(1, 1, "superseded"), (1, 2, "login_ended")]


async def test_the_leases_of_the_dead_are_forgotten_and_those_of_the_living_kept(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker, working(database_url, 2) as alive:
        async with working(database_url, 3) as doomed:
            await doomed.open(asks(1, viewer))
            await worker.expire()
            assert await leases(database_url) == [(3, 1, None)]
        await alive.open(asks(1, viewer))
        assert await worker.expire() == 0
        assert await leases(database_url) == [(2, 1, None)]
        assert await alive.expire() == 1


async def test_a_worker_without_its_lock_does_not_forget_itself(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker:
        await worker.open(asks(1, viewer))
        await worker.connection.execute("SELECT pg_advisory_unlock_all()")
        assert await worker.expire() == 1
