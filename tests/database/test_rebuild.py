"""The projections can be thrown away: the log has everything, and gives it back."""

import asyncio
from typing import LiteralString
from uuid import uuid4

import pytest

from app.database.rebuild import Difference, rebuild, snapshot
from app.database.rebuild_statements import DIFFERENCES, END, REPLACE
from app.errors import RebuildFailed
from app.model import EventType, Outcome, new_tx_ref
from tests.payments import (
    UNKNOWN_ORDER,
    Process,
    about,
    append_raw,
    connected,
    drift,
    element,
    linked,
    query,
    transfer,
)

LEDGER = "SELECT event_id, account, amount, balance_after FROM topup.ledger_entries ORDER BY 1, 2"
IDS = "SELECT event_id, account, id FROM topup.ledger_entries ORDER BY 1, 2"
DAMAGE: dict[str, LiteralString] = {
    "a balance": "UPDATE topup.wallets SET balance = balance + 1",
    "a status": "UPDATE topup.topups SET status = 'failed'",
    "a top-up that is gone": "DELETE FROM topup.topups",
    "a top-up that nobody opened": """
        INSERT INTO topup.topups
            (tx_ref, user_id, amount, amount_paid, status, late, seq, opened_at, expires_at)
        SELECT 'T0000000Z', user_id, amount, 0, 'pending', false, 1, opened_at, expires_at
        FROM topup.topups LIMIT 1
    """,
    "an entry that is gone": """
        DELETE FROM topup.ledger_entries
        WHERE id = (SELECT min(id) FROM topup.ledger_entries WHERE user_id IS NOT NULL)
    """,
    "another amount": "UPDATE topup.ledger_entries SET amount = amount * 2",
    "entries in another order": """
        CREATE TEMPORARY TABLE moved AS SELECT * FROM topup.ledger_entries;
        DELETE FROM topup.ledger_entries;
        INSERT INTO topup.ledger_entries OVERRIDING SYSTEM VALUE
        SELECT 1000 - id, event_id, account, user_id, amount, balance_after, recorded_at FROM moved
    """,
    "a wallet that is gone": "DELETE FROM topup.wallets",
    "everything": "DELETE FROM topup.topups; DELETE FROM topup.wallets; "
    "DELETE FROM topup.ledger_entries",
}


KEEPS_IDS: dict[str, LiteralString] = {
    "another amount": DAMAGE["another amount"],
    "another amount of one": """
        UPDATE topup.ledger_entries SET amount = amount + 1, balance_after = balance_after + 1
        WHERE id = (SELECT min(id) FROM topup.ledger_entries WHERE user_id IS NOT NULL)
    """,
    "another balance": "UPDATE topup.ledger_entries SET balance_after = balance_after + 1",
    "another moment": "UPDATE topup.ledger_entries SET recorded_at = recorded_at - interval '1 h'",
    "one too many": """
        INSERT INTO topup.ledger_entries (event_id, account, amount, recorded_at)
        SELECT event_id, 'suspense', amount, recorded_at
        FROM topup.ledger_entries WHERE account LIKE 'wallet:%'
    """,
}


async def history(process: Process) -> None:
    topup = await process.topup(50_000)
    first = transfer(topup.order_code, 20_000)
    await process.store.append_events([linked(topup.tx_ref), first])
    await process.store.append_events(
        [transfer(UNKNOWN_ORDER, 7_000), transfer(topup.order_code, 40_000), first]
    )
    cancelled = await process.topup(50_000, topup.user_id)
    await process.store.append_events([about(cancelled.tx_ref, EventType.TOPUP_CANCELLED)])
    await process.topup(30_000)


async def damage(url: str, statements: LiteralString) -> None:
    async with connected(url) as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(statements)


async def rebuilt(url: str, *, swap: bool) -> list[Difference]:
    heard: list[tuple[int, int]] = []
    found = await rebuild(url, lambda done, total: heard.append((done, total)), swap=swap)
    assert heard[-1][0] == heard[-1][1]
    assert await query(url, "SELECT to_regnamespace('topup_rebuilt')::text") == [(None,)]
    return found


async def test_what_was_projected_is_what_is_rebuilt(process: Process, database_url: str) -> None:
    await history(process)
    assert await rebuilt(database_url, swap=False) == []
    assert await rebuilt(database_url, swap=True) == []


@pytest.mark.parametrize("name", DAMAGE)
async def test_damage_is_told_and_mended_only_when_asked(
    process: Process, database_url: str, name: str
) -> None:
    await history(process)
    before = await query(database_url, LEDGER)
    await damage(database_url, DAMAGE[name])
    differences = await rebuilt(database_url, swap=False)
    assert differences[0].total == len(differences) > 0
    assert await drift(database_url) != []
    assert await rebuilt(database_url, swap=True) == differences
    assert await drift(database_url) == []
    assert await query(database_url, LEDGER) == before
    assert await rebuilt(database_url, swap=False) == []


@pytest.mark.parametrize("name", KEEPS_IDS)
async def test_an_entry_that_is_mended_keeps_its_id(
    process: Process, database_url: str, name: str
) -> None:
    """Exports have gone past it, and would have it twice."""
    await history(process)
    before = await query(database_url, IDS)
    await damage(database_url, KEEPS_IDS[name])
    assert (await rebuilt(database_url, swap=True))[0].total_of_ledger > 0
    assert await query(database_url, IDS) == before


async def test_only_the_wallet_that_lacks_an_entry_gets_other_ids(
    process: Process, database_url: str
) -> None:
    await history(process)
    other = await process.topup(50_000)
    await process.store.append_events([transfer(other.order_code, 1_000)])
    before = await query(database_url, IDS)
    await damage(database_url, DAMAGE["an entry that is gone"])
    await rebuilt(database_url, swap=True)
    moved = {account for _, account, _ in set(before) - set(await query(database_url, IDS))}
    assert len(moved) == 1
    assert f"wallet:{other.user_id}" not in moved


async def test_what_replacing_takes_does_not_grow_with_the_square_of_the_damage(
    database_url: str,
) -> None:
    async with snapshot(database_url, swap=True) as connection:
        await connection.execute(DIFFERENCES)
        await connection.execute("SET LOCAL enable_nestloop = off")  # used only without another way
        joins = [part.strip() for part in REPLACE.split(";") if "differences" in part]
        for statement in joins:
            cursor = await connection.execute(f"EXPLAIN {statement}".encode())
            plan = "\n".join([line for (line,) in await cursor.fetchall()])
            assert "Nested Loop" not in plan, statement
        assert len(joins) == 7
        await connection.execute(END)


@pytest.mark.breaks_the_laws
@pytest.mark.parametrize("seq", [1, 2])
async def test_a_log_that_is_damaged_itself_is_not_covered_up(
    process: Process, database_url: str, seq: int
) -> None:
    await history(process)
    await damage(database_url, f"DELETE FROM topup.events WHERE seq = {seq}")
    before = await query(database_url, LEDGER)
    with pytest.raises(RebuildFailed):
        await rebuilt(database_url, swap=True)
    assert await query(database_url, LEDGER) == before


async def test_comparing_waits_for_nobody_and_replacing_for_whoever_has_begun(
    process: Process, database_url: str
) -> None:
    await history(process)
    [(order_code,)] = await query(
        database_url, "SELECT max(order_code) FROM topup.topups WHERE status = 'pending'"
    )
    async with connected(database_url) as connection:
        async with connection.transaction():
            [outcome] = await append_raw(connection, [element(transfer(order_code, 30_000))])
            assert outcome[0] == "applied"
            assert await rebuilt(database_url, swap=False) == []
            swapping = asyncio.create_task(rebuilt(database_url, swap=True))
            async with asyncio.timeout(60):
                while not await query(database_url, "SELECT FROM pg_locks WHERE NOT granted"):
                    assert not swapping.done()
        assert await swapping == []


async def test_payments_go_on_while_replacing_waits_for_a_comparison(
    process: Process, database_url: str
) -> None:
    await history(process)
    topup = await process.topup(30_000)
    async with snapshot(database_url, swap=False) as comparing:
        swapping = asyncio.create_task(rebuilt(database_url, swap=True))
        async with asyncio.timeout(60):
            while not await query(database_url, "SELECT FROM pg_locks WHERE NOT granted"):
                assert not swapping.done()
            await process.store.append_events([transfer(topup.order_code, 30_000)])
            await process.topup(30_000)
        assert not swapping.done()
        await comparing.execute(END)
    assert await swapping == []


async def test_replacing_begins_again_when_somebody_opens_a_topup_meanwhile(
    process: Process, database_url: str
) -> None:
    """An opening locks the wallet before there is a top-up; the swap, the other way round."""
    await history(process)
    user = await process.user()
    async with connected(database_url) as opening, opening.transaction():
        await opening.execute(
            "SELECT FROM topup.wallets WHERE user_id = %s FOR NO KEY UPDATE", (user,)
        )
        swapping = asyncio.create_task(rebuilt(database_url, swap=True))
        async with asyncio.timeout(60):
            while not await query(database_url, "SELECT FROM pg_locks WHERE NOT granted"):
                assert not swapping.done()
        await opening.execute(
            "SELECT topup.open_topup(%s, %s, %s, 20000, 900, 9, NULL, NULL, 60)",
            (new_tx_ref(), uuid4(), user),
        )
    assert await swapping == []


VACUUMING = "LOCK TABLE topup.events IN SHARE UPDATE EXCLUSIVE MODE"


async def test_payments_are_recorded_beside_replacing_that_waits_for_a_vacuum(
    process: Process, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds two tables while it waits for the third; so it lets go, and comes again."""
    monkeypatch.setattr("app.database.rebuild.PAUSE_SECONDS", 0.5)
    topup = await process.topup(100_000)
    async with connected(database_url) as vacuum, vacuum.transaction():
        await vacuum.execute(VACUUMING)
        swapping = asyncio.create_task(rebuilt(database_url, swap=True))
        for _ in range(2):
            async with asyncio.timeout(10):
                while not await query(database_url, "SELECT FROM pg_locks WHERE NOT granted"):
                    assert not swapping.done()
            [answer] = await process.store.append_events([transfer(topup.order_code, 1_000)])
            assert answer.outcome == Outcome.APPLIED
    assert await swapping == []


async def test_replacing_gives_up_in_the_end_and_says_for_whom(
    process: Process, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await history(process)
    monkeypatch.setattr("app.database.rebuild.ATTEMPTS_MAX", 1)
    monkeypatch.setattr("app.database.rebuild.PAUSE_SECONDS", 0)
    async with connected(database_url) as vacuum, vacuum.transaction():
        await vacuum.execute(VACUUMING)
        with pytest.raises(RebuildFailed, match=rf"pid {vacuum.info.backend_pid} \(postgres, "):
            await rebuild(database_url, lambda *_: None, swap=True)
