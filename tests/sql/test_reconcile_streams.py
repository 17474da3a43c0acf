"""reconcile_streams and close_streams: a worker says what it has, or has no more."""

import psycopg
import pytest

from tests.leases import Viewer, asks, leases, log_in, working
from tests.payments import Process, query


@pytest.fixture
async def viewer(database_url: str, process: Process) -> Viewer:
    return await log_in(database_url, process)


async def test_what_was_lost_is_written_down_again(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1) as worker:
        await worker.open(asks(1, viewer), asks(2, viewer))
        before = await query(database_url, "SELECT user_id, tx_ref FROM topup.stream_leases")
        await query(database_url, "DELETE FROM topup.stream_leases RETURNING 1")
        await worker.reconcile((1, viewer), (2, viewer))
        assert await leases(database_url) == [(1, 1, None), (1, 2, None)]
        after = await query(database_url, "SELECT user_id, tx_ref FROM topup.stream_leases")
    assert after == before


async def test_what_is_left_over_goes_and_what_is_there_stays_as_it_is(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker, working(database_url, 2) as other:
        await other.open(asks(7, viewer))
        await worker.open(asks(1, viewer))
        await worker.open(asks(2, viewer))
        opened_at = "SELECT opened_at FROM topup.stream_leases WHERE stream_id = 2"
        before = await query(database_url, opened_at)
        for _ in range(2):
            await worker.reconcile((2, viewer), (3, viewer))
        assert await query(database_url, opened_at) == before
        found = await leases(database_url)
        assert found == [(1, 2, None), (1, 3, None), (2, 7, "superseded")]
        await worker.reconcile()
    assert await leases(database_url) == [(2, 7, "superseded")]


async def test_a_reason_to_end_survives(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1) as worker:
        await worker.open(asks(1, viewer))
        await worker.revoke(viewer)
        await worker.reconcile((1, viewer))
    assert await leases(database_url) == [(1, 1, "login_ended")]


async def test_a_stream_without_a_number_is_refused_and_nothing_is_lost(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker:
        await worker.open(asks(1, viewer))
        with pytest.raises(psycopg.errors.NotNullViolation):
            await worker.reconcile((None, viewer))
    assert await leases(database_url) == [(1, 1, None)]


async def test_only_the_named_ones_of_this_worker_are_closed(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker, working(database_url, 2) as other:
        await worker.open(asks(1, viewer))
        await other.open(asks(1, viewer))
        for ids in ([], None, [None], [2], [1, 1, None, 99], [1]):
            await worker.close(ids)
    assert await leases(database_url) == [(2, 1, None)]
