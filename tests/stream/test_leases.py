"""Leases: the book of a process's streams, against the real one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count

import pytest

from app.admission import StreamId, StreamRequest, StreamVerdict
from app.database.leases import LeaseStore
from app.database.pool import Database
from app.errors import DatabaseUnavailable
from app.metrics import Metrics, StreamClose
from app.model import UserId
from app.settings import Settings
from app.stream.leases import Leases
from tests.leases import Viewer, asks, blocked, held_up, leases, log_in, working
from tests.payments import Process, open_process, query
from tests.stream.relay import Relay

WORKER_ID = 7
NEVER_SECONDS = 3600.0
MANY = 300


class Holder:
    """A stream that only has a lease."""

    _numbers = count(1)

    def __init__(self, viewer: Viewer) -> None:
        number = StreamId(next(self._numbers))
        self.request = StreamRequest(number, viewer.session_hash, viewer.tx_ref, None)
        self.user_id: UserId | None = None
        self.reason: StreamClose | None = None
        self.ended = asyncio.Event()

    def end(self, reason: StreamClose) -> None:
        self.reason = self.reason or reason
        self.ended.set()


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Process]:
    async with open_process(database_url) as process:
        yield process


@pytest.fixture
async def viewer(database_url: str, process: Process) -> Viewer:
    return await log_in(database_url, process)


StartLeases = Callable[..., Awaitable[Leases]]


@pytest.fixture
async def start_leases(database_url: str, metrics: Metrics) -> AsyncIterator[StartLeases]:
    """Starts leases as the factory does; keywords are settings. Stopped after the test."""
    running: list[tuple[Leases, Database]] = []

    async def start(
        url: str = database_url, check_seconds: float = NEVER_SECONDS, **changes: object
    ) -> Leases:
        settings = Settings.load(connect_timeout_seconds=1, **changes)
        database = Database(url, 1, settings)
        await database.open()
        leases = Leases(LeaseStore(database, WORKER_ID, settings), check_seconds, metrics)
        leases.start()
        running.append((leases, database))
        return leases

    async with working(database_url, WORKER_ID):
        yield start
        for found, database in running:
            await found.stop()
            await database.close()


@pytest.fixture
async def ours(start_leases: StartLeases) -> Leases:
    return await start_leases()


async def numbers(url: str) -> set[int]:
    """Of the streams of this worker that have a lease."""
    return {stream_id for worker_id, stream_id, _ in await leases(url) if worker_id == WORKER_ID}


async def only(url: str, *holders: Holder) -> None:
    """Returns when these have a lease and nobody else."""
    async with asyncio.timeout(15):
        expected = {holder.request.stream_id for holder in holders}
        while await numbers(url) != expected:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_who_may_stream_has_a_lease_until_it_closes(
    ours: Leases, viewer: Viewer, database_url: str
) -> None:
    holder = Holder(viewer)
    assert await ours.open(holder) is StreamVerdict.OPEN
    assert holder.user_id == viewer.user_id
    assert (len(ours), await numbers(database_url)) == (1, {holder.request.stream_id})
    for _ in range(2):
        ours.close(holder)
    await only(database_url)
    assert len(ours) == 0


async def test_who_may_not_stream_has_none(ours: Leases, viewer: Viewer, database_url: str) -> None:
    stranger = Holder(Viewer(viewer.user_id, bytes(32), viewer.tx_ref))
    assert await ours.open(stranger) is StreamVerdict.NOT_LOGGED_IN
    assert (stranger.user_id, len(ours)) == (None, 0)
    assert await numbers(database_url) == set()


async def test_who_comes_while_a_statement_runs_shares_the_next(
    start_leases: StartLeases, viewer: Viewer, metrics: Metrics
) -> None:
    ours = await start_leases(streams_per_user_max=MANY)
    holders = [Holder(viewer) for _ in range(MANY)]
    verdicts = await asyncio.gather(*map(ours.open, holders))
    assert set(verdicts) == {StreamVerdict.OPEN}
    assert len(ours) == MANY
    statements = metrics.registry.get_sample_value("napvi_stream_open_batch_count")
    assert statements == 2, "256 in the first"


async def test_who_leaves_before_it_was_asked_for_has_none(
    ours: Leases, viewer: Viewer, database_url: str
) -> None:
    holder, other = Holder(viewer), Holder(viewer)
    opening = asyncio.create_task(ours.open(holder))
    await asyncio.sleep(0)
    ours.close(holder)
    assert await ours.open(other) is StreamVerdict.OPEN
    await only(database_url, other)
    await asyncio.wait({opening})
    assert opening.cancelled()


async def test_who_leaves_while_it_is_asked_for_gives_its_lease_back(
    ours: Leases, viewer: Viewer, database_url: str
) -> None:
    holder = Holder(viewer)
    async with held_up(database_url, viewer.user_id):
        opening = asyncio.create_task(ours.open(holder))
        await blocked(database_url)
        opening.cancel()
        await asyncio.wait({opening})
        ours.close(holder)
    last = Holder(viewer)
    assert await ours.open(last) is StreamVerdict.OPEN
    await only(database_url, last)
    assert len(ours) == 1


async def test_while_the_database_is_away_all_are_refused_and_then_it_goes_on(
    start_leases: StartLeases, viewer: Viewer, database_url: str
) -> None:
    async with Relay(database_url) as relay:
        ours = await start_leases(relay.url)
        before, gone = Holder(viewer), Holder(viewer)
        await ours.open(before)
        await ours.open(gone)
        relay.refusing = True
        relay.cut()
        ours.close(gone)
        refused = [Holder(viewer) for _ in range(3)]
        found = await asyncio.gather(*map(ours.open, refused), return_exceptions=True)
        assert [type(error) for error in found] == [DatabaseUnavailable] * 3
        for holder in refused:
            ours.close(holder)
        relay.refusing = False
        await only(database_url, before)
        after = Holder(viewer)
        async with asyncio.timeout(15):
            while True:
                try:
                    assert await ours.open(after) is StreamVerdict.OPEN
                    break
                except DatabaseUnavailable:
                    ours.close(after)
        await only(database_url, before, after)
        await ours.stop()


async def test_an_older_stream_is_told_that_it_was_superseded(
    start_leases: StartLeases, viewer: Viewer, database_url: str
) -> None:
    ours = await start_leases(streams_per_user_max=1, stream_spare_seconds=0.001)
    old, new = Holder(viewer), Holder(viewer)
    await ours.open(old)
    async with working(database_url, 1, per_user_max=1) as elsewhere:
        await elsewhere.open(asks(1, viewer))
        assert not old.ended.is_set()
        ours.wake()
        await old.ended.wait()
        assert old.reason is StreamClose.SUPERSEDED
        ours.wake()
        await ours.open(new)
        ours.close(old)
        await only(database_url, new)


async def test_a_word_that_was_lost_is_said_again(
    start_leases: StartLeases, viewer: Viewer, database_url: str
) -> None:
    """The database had told which stream to end, and the connection broke before it arrived."""
    async with Relay(database_url) as relay:
        ours = await start_leases(relay.url)
        holder = Holder(viewer)
        await ours.open(holder)
        relay.forget()
        async with working(database_url, 1) as elsewhere:
            await elsewhere.revoke(viewer)
        ours.wake()
        await asyncio.sleep(0.1)
        relay.cut()
        await holder.ended.wait()
        await ours.stop()
    assert holder.reason is StreamClose.LOGIN_ENDED


async def test_a_login_that_ends_by_time_is_found_by_the_check(
    start_leases: StartLeases, viewer: Viewer, database_url: str
) -> None:
    ours = await start_leases(check_seconds=0.05)
    holder = Holder(viewer)
    await ours.open(holder)
    await asyncio.sleep(0.15)
    assert not holder.ended.is_set()
    await query(database_url, "UPDATE topup.sessions SET expires_at = now() RETURNING 1")
    await holder.ended.wait()
    assert holder.reason is StreamClose.LOGIN_ENDED


async def test_what_the_database_lost_is_written_down_again(
    ours: Leases, viewer: Viewer, database_url: str
) -> None:
    holders = [Holder(viewer) for _ in range(3)]
    await asyncio.gather(*map(ours.open, holders))
    await query(database_url, "DELETE FROM topup.stream_leases RETURNING 1")
    ours.close(holders.pop())
    ours.reconcile()
    await only(database_url, *holders)


async def test_what_somebody_deleted_is_noticed_by_the_check(
    start_leases: StartLeases, viewer: Viewer, database_url: str
) -> None:
    ours = await start_leases(check_seconds=0.05)
    holder = Holder(viewer)
    await ours.open(holder)
    await query(database_url, "DELETE FROM topup.stream_leases RETURNING 1")
    await only(database_url, holder)


async def test_a_logout_that_was_missed_is_found_by_the_reconciliation(
    ours: Leases, viewer: Viewer, database_url: str
) -> None:
    """The worker had lost its lock, and others had forgotten its streams."""
    holder = Holder(viewer)
    await ours.open(holder)
    await query(database_url, "DELETE FROM topup.stream_leases RETURNING 1")
    async with working(database_url, 1) as elsewhere:
        await elsewhere.revoke(viewer)
    ours.reconcile()
    await holder.ended.wait()
    assert holder.reason is StreamClose.LOGIN_ENDED


async def test_stop_gives_everything_back_and_lets_nobody_wait(
    ours: Leases, viewer: Viewer, database_url: str
) -> None:
    held, waiting, late = Holder(viewer), Holder(viewer), Holder(viewer)
    await ours.open(held)
    async with held_up(database_url, viewer.user_id):
        opening = asyncio.create_task(ours.open(waiting))
        await blocked(database_url)
        stopping = asyncio.create_task(ours.stop())
        with pytest.raises(DatabaseUnavailable):
            await opening
    await stopping
    with pytest.raises(DatabaseUnavailable):
        await ours.open(late)
    await only(database_url)
