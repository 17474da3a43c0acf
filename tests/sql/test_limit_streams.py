"""limit_streams: the newest wins, unless all of them are young; the dead do not count."""

import asyncio

import pytest

from app.stream.channels import worker_channel
from tests.leases import Viewer, asks, blocked, leases, log_in, working
from tests.payments import Process, connected, query

A_WHILE_AGO = "UPDATE topup.stream_leases SET opened_at = opened_at - interval '1 hour' RETURNING 1"


@pytest.fixture
async def viewer(database_url: str, process: Process) -> Viewer:
    return await log_in(database_url, process)


async def test_the_oldest_makes_room(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1) as one, working(database_url, 2) as other:
        await one.open(asks(1, viewer))
        await other.open(asks(1, viewer))
        assert await one.open(asks(2, viewer)) == {2: "open"}
        assert await leases(database_url) == [(1, 1, "superseded"), (1, 2, None), (2, 1, None)]


async def test_whoever_has_to_end_a_stream_is_told_and_nobody_else(
    database_url: str, viewer: Viewer
) -> None:
    async with (
        working(database_url, 1) as one,
        working(database_url, 2) as other,
        connected(database_url) as listener,
    ):
        for worker_id in (1, 2):
            await listener.execute(f'LISTEN "{worker_channel(worker_id)}"'.encode())
        await one.open(asks(1, viewer))
        await other.open(asks(1, viewer))
        await other.open(asks(2, viewer))
        told = [n.channel async for n in listener.notifies(timeout=0.2)]
    assert told == [worker_channel(1)]


async def test_while_all_are_young_the_newest_is_refused(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1, spare_seconds=60.0) as worker:
        verdicts = await worker.open(*(asks(number, viewer) for number in (3, 1, 4, 2)))
        assert verdicts == {1: "open", 2: "open", 3: "too_many", 4: "too_many"}
        assert await worker.open(asks(5, viewer)) == {5: "too_many"}
        await query(database_url, A_WHILE_AGO)
        assert await worker.open(asks(6, viewer)) == {6: "open"}
        assert await leases(database_url) == [(1, 1, "superseded"), (1, 2, None), (1, 6, None)]


async def test_as_many_are_evicted_as_come_and_no_more(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1, per_user_max=3) as worker:
        await worker.open(*(asks(number, viewer) for number in (1, 2, 3)))
        await worker.open(asks(4, viewer), asks(5, viewer))
    ended = [stream_id for _, stream_id, ended in await leases(database_url) if ended]
    assert ended == [1, 2]


async def test_a_limit_that_was_lowered_holds_from_the_next_opening_on(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1, per_user_max=5) as worker:
        await worker.open(*(asks(number, viewer) for number in range(5)))
        worker.per_user_max = 1
        assert await worker.open(asks(9, viewer)) == {9: "open"}
    assert [lease for lease in await leases(database_url) if not lease[2]] == [(1, 9, None)]


async def test_the_streams_of_others_do_not_count(database_url: str, process: Process) -> None:
    viewers = [await log_in(database_url, process) for _ in range(5)]
    async with working(database_url, 1, per_user_max=1) as worker:
        verdicts = await worker.open(*(asks(n, viewer) for n, viewer in enumerate(viewers)))
    assert set(verdicts.values()) == {"open"}


async def test_the_streams_of_a_dead_worker_do_not_count(database_url: str, viewer: Viewer) -> None:
    async with working(database_url, 1, spare_seconds=60.0) as survivor:
        async with working(database_url, 2, spare_seconds=60.0) as doomed:
            await doomed.open(asks(1, viewer), asks(2, viewer))
            assert await survivor.open(asks(1, viewer)) == {1: "too_many"}
        assert await survivor.open(asks(2, viewer)) == {2: "open"}
    assert await leases(database_url) == [(1, 2, None)]


async def test_a_stream_that_closes_meanwhile_is_not_evicted_in_vain(
    database_url: str, viewer: Viewer
) -> None:
    """Else it would be counted, be gone when its turn comes, and the new one be refused."""
    async with working(database_url, 1) as one, working(database_url, 2) as other:
        await one.open(asks(1, viewer), asks(2, viewer))
        async with one.connection.transaction():
            await one.close([1])
            opening = asyncio.create_task(other.open(asks(1, viewer)))
            await blocked(database_url)
        assert await opening == {1: "open"}
    assert await leases(database_url) == [(1, 2, None), (2, 1, None)]
