"""export_horizon: whoever exports up to it skips nothing that commits late.

Each reader here goes on from where it was, as an export does.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import psycopg
import pytest
from psycopg import AsyncConnection, IsolationLevel

from tests.payments import Process, append_raw, connected, element, query, transfer

HORIZON = "SELECT events_id FROM audit.export_horizon(%s)"
VISIBLE = "SELECT coalesce(max(id), 0) FROM audit.events"
EXPORT = "SELECT id FROM audit.events WHERE id > %s AND id <= %s ORDER BY id"
COMMITTED = "SELECT id FROM topup.events ORDER BY id"
WAITS = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep')"
LONG_SECONDS = 20.0


@dataclass
class Reader:
    """An auditor who exports in rounds, up to what `until` says."""

    connection: AsyncConnection
    until: str = HORIZON
    since: int = 0
    exported: list[int] = field(default_factory=list)

    async def round(self, wait_seconds: float = LONG_SECONDS) -> None:
        values = (wait_seconds,) if self.until is HORIZON else ()
        [(until,)] = await (await self.connection.execute(self.until, values)).fetchall()
        rows = await (await self.connection.execute(EXPORT, (self.since, until))).fetchall()
        self.exported += [id for (id,) in rows]
        self.since = until


@pytest.fixture
async def auditor(database_url: str) -> AsyncIterator[AsyncConnection]:
    async with connected(database_url, "topup_auditor") as connection:
        yield connection


@asynccontextmanager
async def writing(url: str, *topup_orders: int) -> AsyncIterator[AsyncConnection]:
    """A transaction of the application that has appended money of these orders. Ends by COMMIT."""
    async with await AsyncConnection.connect(url) as connection:
        await connection.execute("SET LOCAL ROLE topup_app")
        batch = [element(transfer(order, 1_000)) for order in topup_orders]
        assert [row[0] for row in await append_raw(connection, batch)] == ["applied"] * len(batch)
        yield connection


async def committed(url: str) -> list[int]:
    return [id for (id,) in await query(url, COMMITTED)]


async def until_waiting(url: str, connection: AsyncConnection) -> None:
    async with asyncio.timeout(LONG_SECONDS), connected(url) as witness:
        while True:
            cursor = await witness.execute(WAITS, (connection.info.backend_pid,))
            if await cursor.fetchone() == (True,):
                return
            await asyncio.sleep(0.005)


async def test_a_smaller_id_that_commits_after_a_larger_one_is_not_skipped(
    process: Process, database_url: str, auditor: AsyncConnection
) -> None:
    slow, quick = await process.topup(), await process.topup()
    reader = Reader(auditor)
    async with connected(database_url, "topup_auditor") as other:
        naive = Reader(other, until=VISIBLE)
        async with writing(database_url, slow.order_code):  # 1. draws the smaller id
            await process.store.append_events([transfer(quick.order_code, 1_000)])  # 2. the larger
            await naive.round()  # 3. sees the larger
            round = asyncio.create_task(reader.round())
            await until_waiting(database_url, auditor)  # 4. does not go on without the smaller
        await round  # 5. it has been committed
        await naive.round()
    assert reader.exported == await committed(database_url)
    assert len(naive.exported) == len(reader.exported) - 1, "the naive reader lost nothing"


async def test_what_is_rolled_back_is_not_waited_for_again(
    process: Process, database_url: str, auditor: AsyncConnection
) -> None:
    slow, quick = await process.topup(), await process.topup()
    reader = Reader(auditor)
    async with writing(database_url, slow.order_code) as transaction:
        await process.store.append_events([transfer(quick.order_code, 1_000)])
        await transaction.rollback()
    await reader.round(wait_seconds=0)
    assert reader.exported == await committed(database_url)


async def test_a_writer_that_does_not_end_is_waited_for_as_long_as_was_said(
    process: Process, database_url: str, auditor: AsyncConnection
) -> None:
    topup = await process.topup()
    reader = Reader(auditor)
    async with writing(database_url, topup.order_code):
        with pytest.raises(psycopg.Error) as refusal:
            await reader.round(wait_seconds=0.1)
    assert refusal.value.sqlstate == "TU022"
    await reader.round(wait_seconds=0)
    assert reader.exported == await committed(database_url)


async def test_nobody_waits_for_those_who_began_later_or_write_nothing_of_ours(
    process: Process, database_url: str, auditor: AsyncConnection
) -> None:
    """An export beside a busy napvi ends, and a long transaction elsewhere does not hold it up."""
    first, second = await process.topup(), await process.topup()
    reader = Reader(auditor)
    async with connected(database_url) as elsewhere, elsewhere.transaction():
        await elsewhere.execute("CREATE TEMP TABLE mine AS SELECT pg_current_xact_id()")
        async with AsyncExitStack() as later:
            async with writing(database_url, first.order_code):
                round = asyncio.create_task(reader.round())
                await until_waiting(database_url, auditor)
                await later.enter_async_context(writing(database_url, second.order_code))
            await round
    assert len(reader.exported) == 3, "two openings and the first transfer"
    await reader.round(wait_seconds=0)
    assert reader.exported == await committed(database_url)


async def test_a_transaction_that_could_not_see_what_it_waited_for_is_refused(
    database_url: str, auditor: AsyncConnection
) -> None:
    await auditor.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    async with auditor.transaction():
        with pytest.raises(psycopg.Error) as refusal:
            await Reader(auditor).round()
    assert refusal.value.sqlstate == "TU023"


async def test_an_export_beside_many_writers_has_every_row_once(
    process: Process, database_url: str, auditor: AsyncConnection
) -> None:
    """Each writer holds several transfers open for a moment, so ids commit out of order."""
    reader = Reader(auditor)
    topups = [await process.topup() for _ in range(4)]

    async def write(order_code: int) -> None:
        written = 0
        while written < 12 or rounds <= 2:
            async with writing(database_url, order_code) as transaction:
                await append_raw(transaction, [element(transfer(order_code, 1_000))])
            written += 1

    rounds = 0
    writers = [asyncio.create_task(write(topup.order_code)) for topup in topups]
    while not all(writer.done() for writer in writers):
        await reader.round()
        rounds += 1
    await asyncio.gather(*writers)
    await reader.round()
    assert reader.exported == await committed(database_url)


async def test_every_id_is_drawn_when_it_is_used(database_url: str) -> None:
    """Ids that a session had set aside would come later, below the horizon."""
    assert await query(
        database_url,
        """
        SELECT DISTINCT s.seqcache FROM pg_sequence AS s
        WHERE s.seqrelid IN (
            'topup.events_id_seq'::regclass, 'topup.ledger_entries_id_seq'::regclass
        )
        """,
    ) == [(1,)]
