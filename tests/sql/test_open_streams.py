"""open_streams: who may stream, in one statement for all that wait."""

import asyncio
import random

import psycopg
import pytest

from app.model import EventType
from tests.leases import Asked, Viewer, Worker, asks, blocked, leases, log_in, working
from tests.payments import Process, about, connected, query, transfer

ROUNDS = 60
IN_A_BATCH = 8


@pytest.fixture
async def viewer(database_url: str, process: Process) -> Viewer:
    return await log_in(database_url, process)


async def test_each_is_judged_by_itself(
    database_url: str, process: Process, viewer: Viewer
) -> None:
    other = await log_in(database_url, process)
    async with working(database_url, 1) as worker:
        verdicts = await worker.open(
            asks(1, viewer),
            (2, bytes(32), viewer.tx_ref, None),
            (3, viewer.session_hash, other.tx_ref, None),
            (4, viewer.session_hash, "T00000000", None),
        )
    assert verdicts == {1: "open", 2: "not_logged_in", 3: "not_found", 4: "not_found"}
    assert await leases(database_url) == [(1, 1, None)]


async def test_only_who_has_seen_the_end_is_told_that_it_is_finished(
    database_url: str, process: Process, viewer: Viewer
) -> None:
    topup = await process.store.topup(viewer.user_id, viewer.tx_ref)
    await process.store.append_events([transfer(topup.order_code, topup.amount)])
    async with working(database_url, 1, per_user_max=9) as worker:
        verdicts = await worker.open(
            *(asks(stream_id, viewer, after) for stream_id, after in enumerate([None, 1, 2, 3]))
        )
    assert verdicts == {0: "open", 1: "open", 2: "finished", 3: "open"}
    assert [stream_id for _, stream_id, _ in await leases(database_url)] == [0, 1, 3]


async def test_what_was_closed_without_money_is_finished_after_the_grace(
    database_url: str, process: Process, viewer: Viewer
) -> None:
    await process.store.append_events([about(viewer.tx_ref, EventType.TOPUP_CANCELLED)])
    columns = [[1], [viewer.session_hash], [viewer.tx_ref], [2]]
    async with working(database_url, 1) as worker:
        assert await worker.open(asks(1, viewer, 2)) == {1: "open"}
        cursor = await worker.connection.execute(
            "SELECT verdict FROM topup.open_streams(1, %s, %s, %s, %s, 1800, 0, 2, 0)", columns
        )
        assert await cursor.fetchall() == [("finished",)]


async def test_a_login_that_ended_in_any_way_opens_nothing(
    database_url: str, process: Process
) -> None:
    revoked, expired, idle = [await log_in(database_url, process) for _ in range(3)]
    changes = {"expires_at": expired, "last_seen_at": idle}
    for column, viewer in changes.items():
        await query(
            database_url,
            "UPDATE topup.sessions SET "
            + column
            + " = now() - interval '1 day' WHERE session_hash = %s RETURNING 1",
            viewer.session_hash,
        )
    async with working(database_url, 1) as worker:
        await worker.revoke(revoked)
        verdicts = await worker.open(asks(1, revoked), asks(2, expired), asks(3, idle))
    assert set(verdicts.values()) == {"not_logged_in"}
    assert await leases(database_url) == []


async def test_the_same_call_again_changes_nothing(database_url: str, viewer: Viewer) -> None:
    batch = [asks(1, viewer), asks(2, viewer)]
    async with working(database_url, 1) as worker:
        first = await worker.open(*batch)
        assert await worker.open(*batch) == first == {1: "open", 2: "open"}
    assert await leases(database_url) == [(1, 1, None), (1, 2, None)]


async def test_nobody_is_no_batch(database_url: str) -> None:
    async with working(database_url, 1) as worker:
        assert await worker.open() == {}
        assert await worker.open_columns([None] * 4) == []


async def test_what_is_missing_is_refused_and_harms_nobody(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker:
        assert await worker.open((1, None, viewer.tx_ref, None)) == {1: "not_logged_in"}
        assert await worker.open((1, viewer.session_hash, None, None)) == {1: "not_found"}
        assert await worker.open_columns([[1, 2], [viewer.session_hash], [], None]) == [
            (1, "not_found"),
            (2, "not_logged_in"),
        ]
        with pytest.raises(psycopg.errors.NotNullViolation):
            await worker.open((None, viewer.session_hash, viewer.tx_ref, None))
    assert await leases(database_url) == []


async def test_a_stream_that_is_asked_for_twice_in_a_batch_gets_one_lease(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker:
        assert await worker.open(asks(1, viewer), asks(1, viewer)) == {1: "open"}
    assert await leases(database_url) == [(1, 1, None)]


async def test_two_processes_at_once_never_exceed_the_limit(
    database_url: str, viewer: Viewer
) -> None:
    async def open_many(worker: Worker) -> None:
        for stream_id in range(ROUNDS):
            await worker.open(asks(stream_id, viewer))

    async def count() -> None:
        async with connected(database_url) as connection:
            while True:
                cursor = await connection.execute(
                    "SELECT count(*) FROM topup.stream_leases WHERE ended IS NULL"
                )
                assert await cursor.fetchone() <= (2,)  # type: ignore[operator]

    async with working(database_url, 1) as one, working(database_url, 2) as other:
        counting = asyncio.create_task(count())
        await asyncio.gather(open_many(one), open_many(other))
        counting.cancel()
        await asyncio.wait({counting})
        assert counting.cancelled(), counting.exception()


async def lives(worker: Worker, viewers: list[Viewer], seed: int) -> None:
    """Opens, closes, ends and logs out in no order, as many processes do."""
    dice, streams = random.Random(seed), 0
    for _ in range(ROUNDS):
        batch: list[Asked] = [
            asks(streams + number, dice.choice(viewers)) for number in range(IN_A_BATCH)
        ]
        streams += len(batch)
        await worker.open(*batch)
        match dice.randrange(4):
            case 0:
                await worker.close(dice.sample(range(streams), IN_A_BATCH))
            case 1:
                await worker.revoke(dice.choice(viewers))
            case 2:
                await worker.expire()
            case _:
                kept = dice.sample(range(streams), IN_A_BATCH)
                await worker.reconcile(*((stream_id, viewers[0]) for stream_id in kept))


async def test_batches_that_share_users_in_every_order_do_not_deadlock(
    database_url: str, process: Process
) -> None:
    owners = [await process.user() for _ in range(3)]
    viewers = [await log_in(database_url, process, owner) for owner in owners * 40]

    async def work(worker_id: int) -> None:
        async with working(database_url, worker_id, per_user_max=3) as worker:
            await lives(worker, viewers, worker_id)

    async with asyncio.TaskGroup() as workers:
        for worker_id in range(1, 7):
            workers.create_task(work(worker_id))


async def test_a_logout_that_waits_for_an_opening_ends_it(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as one, working(database_url, 2) as other:
        async with one.connection.transaction():
            await one.open(asks(1, viewer))
            leaving = asyncio.create_task(other.revoke(viewer))
            await blocked(database_url)
        await leaving
    assert await leases(database_url) == [(1, 1, "login_ended")]


async def test_an_opening_that_waits_for_a_logout_is_refused(
    database_url: str, viewer: Viewer
) -> None:
    """The login was open when it was judged."""
    async with working(database_url, 1) as one, working(database_url, 2) as other:
        async with other.connection.transaction():
            await other.revoke(viewer)
            opening = asyncio.create_task(one.open(asks(1, viewer)))
            await blocked(database_url)
        assert await opening == {1: "not_logged_in"}
    assert await leases(database_url) == []


async def test_the_application_writes_no_lease_but_through_the_doors(
    database_url: str, viewer: Viewer
) -> None:
    async with working(database_url, 1) as worker:
        await worker.open(asks(1, viewer))
        for write in (
            "DELETE FROM topup.stream_leases",
            "UPDATE topup.stream_leases SET ended = NULL",
            "INSERT INTO topup.stream_leases (worker_id) VALUES (1)",
            "TRUNCATE topup.stream_leases",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await worker.connection.execute(write)
