"""Every event is sealed, in the order of its top-up, whoever commits when."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from tests.faults.own_postgres import OwnPostgres, own_postgres_server
from tests.payments import UNKNOWN_ORDER, Process, connected, open_process, query, transfer

LIMIT = 100
STRANGER: LiteralString = """
    INSERT INTO topup.events (event_id, type, data, occurred_at)
    VALUES (gen_random_uuid(), 'payment.failed', '{}', now())
"""
OLD_STRANGER: LiteralString = """
    INSERT INTO topup.events (event_id, type, data, occurred_at, recorded_at)
    VALUES (gen_random_uuid(), 'payment.failed', '{}', now(), now() - interval '11 minutes')
"""
WAITING_WITH_AN_ID: LiteralString = """
    INSERT INTO topup.events (event_id, type, data, occurred_at) VALUES (
        gen_random_uuid(), 'payment.failed',
        jsonb_build_object('waited', pg_advisory_xact_lock(%s)::text), now()
    )
"""
DRAWN = "SELECT coalesce(pg_sequence_last_value('topup.events_id_seq'), 0)"
KEY = 4711


@pytest.fixture
def preparing(postgres_bin: Path, made_cluster: Path) -> Iterator[OwnPostgres]:
    """A server that allows it; by default none does."""
    with own_postgres_server(postgres_bin, made_cluster) as server:
        server.configure("max_prepared_transactions", "2")
        yield server


async def seal(url: str) -> int:
    async with connected(url, "topup_app") as connection:
        cursor = await connection.execute("SELECT topup.seal_events(%s)", (LIMIT,))
        row = await cursor.fetchone()
        assert row is not None
        return int(row[0])


async def sealed_ids(url: str) -> list[int]:
    return [i for (i,) in await query(url, "SELECT id FROM topup.event_seals ORDER BY number")]


async def findings(url: str) -> list[tuple[str, ...]]:
    return await query(url, "SELECT what FROM audit.verify_chain() WHERE kind = 'finding'")


async def test_nothing_is_sealed_of_an_empty_log(database_url: str) -> None:
    assert await seal(database_url) == 0


async def test_events_are_sealed_once_and_in_the_order_of_their_top_up(
    process: Process, database_url: str
) -> None:
    topup = await process.topup(50_000)
    strangers = [transfer(UNKNOWN_ORDER, 1_000), transfer(UNKNOWN_ORDER, 2_000)]
    await process.store.append_events([transfer(topup.order_code, 1_000), *strangers])
    assert [await seal(database_url), await seal(database_url)] == [4, 0]
    await process.store.append_events([transfer(topup.order_code, 2_000)])
    assert await seal(database_url) == 1
    seals = "SELECT number, stream, place FROM topup.event_seals ORDER BY number"
    assert await query(database_url, seals) == [
        (1, topup.tx_ref, 1),
        (2, topup.tx_ref, 2),
        (3, "suspense", 1),
        (4, "suspense", 2),
        (5, topup.tx_ref, 3),
    ]
    assert await findings(database_url) == []


async def test_a_limit_leaves_the_newest_for_later(process: Process, database_url: str) -> None:
    for _ in range(3):
        await process.topup(50_000)
    assert await query(database_url, "SELECT topup.seal_events(2)") == [(2,)]
    assert await query(database_url, "SELECT events FROM audit.seal_lag") == [(1,)]
    assert await query(database_url, "SELECT topup.seal_events(2)") == [(1,)]


async def test_an_event_that_is_committed_late_is_waited_for(
    process: Process, database_url: str
) -> None:
    async with connected(database_url) as late, late.transaction():
        await late.execute(STRANGER)
        await process.topup(50_000)
        assert [await seal(database_url), await seal(database_url)] == [0, 0]
    assert await seal(database_url) == 2
    assert await sealed_ids(database_url) == sorted(await sealed_ids(database_url))
    assert await findings(database_url) == []


async def test_an_id_that_was_drawn_without_a_transaction_id_is_waited_for(
    process: Process, database_url: str
) -> None:
    """Its transaction has none yet, so no horizon of them could tell of it."""
    async with connected(database_url) as holder, connected(database_url) as late:
        # The first id of 32, or after a checkpoint, is logged, and that takes a transaction id.
        await holder.execute("CHECKPOINT")  # so that none begins in the next minutes
        for _ in range(2):
            await process.topup(50_000)
        assert await seal(database_url) == 2
        await holder.execute("SELECT pg_advisory_lock(%s)", (KEY,))
        [(before,)] = await query(database_url, DRAWN)
        writing = asyncio.create_task(late.execute(WAITING_WITH_AN_ID, (KEY,)))
        while await query(database_url, DRAWN) == [(before,)]:
            assert not writing.done()
        assert await query(
            database_url,
            "SELECT backend_xid FROM pg_stat_activity WHERE pid = %s",
            late.info.backend_pid,
        ) == [(None,)]
        await process.topup(50_000)
        assert [await seal(database_url), await seal(database_url)] == [0, 0]
        await holder.execute("SELECT pg_advisory_unlock(%s)", (KEY,))
        await writing
    assert await seal(database_url) == 2
    assert await findings(database_url) == []


async def test_a_transaction_that_is_prepared_is_waited_for_after_a_restart_too(
    preparing: OwnPostgres,
) -> None:
    """Under another virtual id than before: it may be any writer that is known."""
    url = preparing.url
    async with connected(url) as late, connected(url) as other:
        await late.execute("BEGIN")
        await late.execute(STRANGER)
        await other.execute(STRANGER)
        assert await seal(url) == 0  # remembers the writer
        await late.execute("PREPARE TRANSACTION 'late'")
    preparing.stop()
    preparing.start()
    async with connected(url) as other:
        await other.execute(STRANGER)
        assert [await seal(url), await seal(url)] == [0, 0]
        await other.execute("COMMIT PREPARED 'late'")
    assert await seal(url) == 3
    assert await findings(url) == []


async def test_writers_without_a_pause_hold_nothing_up(process: Process, database_url: str) -> None:
    """There is always one; those of before come to an end."""
    async with connected(database_url) as one, connected(database_url) as other:
        async with one.transaction():
            await one.execute(STRANGER)
            await seal(database_url)  # remembers the first writer
            async with other.transaction():
                await other.execute(STRANGER)
                await one.execute("COMMIT")
                await one.execute("BEGIN")
                assert await seal(database_url) == 1
        assert await seal(database_url) == 1
    assert await findings(database_url) == []


async def test_a_checkpoint_covers_what_a_sealer_has_not_come_to(
    process: Process, database_url: str
) -> None:
    """What it left out would look as if it had been put into a closed day afterwards."""
    for _ in range(3):
        await process.topup(50_000)
    assert await query(database_url, "SELECT topup.seal_events(1)") == [(1,)]
    assert await query(database_url, "SELECT events FROM topup.take_checkpoint()") == [(3,)]
    assert await findings(database_url) == []


async def test_a_checkpoint_waits_for_old_events_that_cannot_be_sealed_yet(
    database_url: str,
) -> None:
    async with connected(database_url) as late:
        await late.execute("BEGIN")
        await late.execute(STRANGER)
        async with connected(database_url) as other:
            await other.execute(OLD_STRANGER)
        with pytest.raises(psycopg.Error) as refusal:
            await query(database_url, "SELECT topup.take_checkpoint()")
        assert refusal.value.sqlstate == "TU018"
        await late.execute("ROLLBACK")
    assert await query(database_url, "SELECT events FROM topup.take_checkpoint()") == [(1,)]
    assert await findings(database_url) == []


async def test_an_old_snapshot_is_refused(database_url: str) -> None:
    doors: list[LiteralString] = ["SELECT topup.seal_events(1)", "SELECT topup.take_checkpoint()"]
    async with connected(database_url, "topup_app") as connection:
        await connection.execute("SET default_transaction_isolation = 'repeatable read'")
        for door in doors:
            with pytest.raises(psycopg.Error) as refusal:
                await connection.execute(door)
            assert refusal.value.sqlstate == "TU019"


async def test_sealers_beside_payments_leave_nothing_out(database_url: str) -> None:
    async with open_process(database_url) as process, open_process(database_url) as other:
        topups = [await process.topup(1_000_000) for _ in range(8)]

        async def pay(writer: Process) -> None:
            for _ in range(20):
                facts = [transfer(topup.order_code, 1) for topup in topups]
                await writer.store.append_events([*facts, transfer(UNKNOWN_ORDER, 1)])

        paying = [asyncio.create_task(pay(writer)) for writer in (process, other)]
        while not all(task.done() for task in paying):
            await asyncio.gather(*(seal(database_url) for _ in range(3)))
        await asyncio.gather(*paying)
    while await seal(database_url):
        pass
    assert await query(database_url, "SELECT events FROM audit.seal_lag") == [(0,)]
    assert await query(database_url, "SELECT count(*) FROM topup.event_seals") == [(368,)]
    assert await findings(database_url) == []
