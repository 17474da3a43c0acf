"""read_updates: one query for many streams, whatever the length of the log."""

import json
from dataclasses import replace
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import Diagnostic

from app.model import EventType, TopupUpdate, TxRef
from tests.payments import Process, about, connected, transfer

EVENTS_MIN = 12_000
LONG_LOG = """
    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    SELECT
        gen_random_uuid(), 'T' || lpad((n / 4)::text, 8, '0'), n %% 4 + 1,
        CASE n %% 4 WHEN 0 THEN 'topup.opened' ELSE 'topup.linked' END,
        jsonb_build_object('user_id', 1, 'amount', 1000, 'expiry_seconds', 900), now()
    FROM generate_series(0, %s) AS n
"""


async def plans_of(connection: AsyncConnection, tx_refs: list[str]) -> list[Any]:
    """The plans that the body of the function really runs with."""
    messages: list[str] = []

    def note(diagnostic: Diagnostic) -> None:
        messages.append(diagnostic.message_primary or "")

    connection.add_notice_handler(note)
    for setting in (
        "LOAD 'auto_explain'",
        "SET auto_explain.log_min_duration = 0",
        "SET auto_explain.log_nested_statements = on",
        "SET auto_explain.log_format = json",
        "SET client_min_messages = log",
    ):
        await connection.execute(setting)
    await connection.execute(
        "SELECT count(*) FROM topup.read_updates(%s, %s, 900)", (tx_refs, [2] * len(tx_refs))
    )
    return [json.loads(message[message.index("{") :]) for message in messages if "{" in message]


def scans(plan: Any) -> set[tuple[str, str | None]]:
    """How each table is read: (table, index)."""
    found = {(plan["Relation Name"], plan.get("Index Name"))} if "Relation Name" in plan else set()
    return found.union(*(scans(child) for child in plan.get("Plans", [])))


@pytest.mark.breaks_the_laws
async def test_a_long_log_is_read_through_the_index_of_tx_ref_and_seq(database_url: str) -> None:
    async with connected(database_url) as connection:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            await connection.execute(LONG_LOG, (EVENTS_MIN,))
        await connection.execute("ANALYZE topup.events")
        tx_refs = [f"T{number:08}" for number in range(0, 3_000, 300)]
        plans = await plans_of(connection, tx_refs)
    reads = {scan for plan in plans for scan in scans(plan["Plan"])}
    assert ("events", "events_tx_ref_seq_key") in reads
    assert ("events", None) not in reads


async def test_the_balance_is_as_of_each_event(process: Process) -> None:
    user = await process.user()
    topup, other = await process.topup(50_000, user), await process.topup(50_000, user)
    await process.store.append_events([transfer(topup.order_code, 1_000)])
    await process.store.append_events([transfer(other.order_code, 2_000)])
    await process.store.append_events([about(topup.tx_ref, EventType.TOPUP_CANCELLED)])
    await process.store.append_events([transfer(topup.order_code, 4_000)])
    updates = await process.store.read_updates({topup.tx_ref: 0, other.tx_ref: 0})

    def balances(tx_ref: TxRef) -> list[int]:
        return [update.wallet_balance for update in updates if update.tx_ref == tx_ref]

    assert balances(topup.tx_ref) == [0, 1_000, 3_000, 7_000]
    assert balances(other.tx_ref) == [0, 3_000]


async def test_the_latest_state_is_the_same_however_much_was_missed(process: Process) -> None:
    """Folded, when more than one event was missed; else the row of the top-up."""
    topup = await process.topup(50_000)
    for fact in (
        about(topup.tx_ref, EventType.TOPUP_CANCELLED),
        transfer(topup.order_code, 1_000),
        transfer(topup.order_code, 60_000),
        about(topup.tx_ref, EventType.TOPUP_EXPIRED),
    ):
        [answer] = await process.store.append_events([fact])
        assert answer.seq is not None

        async def head(after: int | None) -> TopupUpdate:
            updates = await process.store.read_updates({topup.tx_ref: after})
            return replace(updates[-1], read_at=updates[-1].recorded_at)

        latest = await head(None)
        assert latest.seq == answer.seq
        for after in range(answer.seq + 2):
            assert await head(after) == latest


async def test_only_the_latest_state_is_final(process: Process) -> None:
    """A stream that replays must not end before it has sent everything."""
    topup = await process.topup(1_000)
    await process.store.append_events([transfer(topup.order_code, 1_000) for _ in range(3)])
    updates = await process.store.read_updates({topup.tx_ref: 0})
    assert [update.final for update in updates] == [False, False, False, True]
