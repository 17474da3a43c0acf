"""The views of the schema audit: described, in agreement with each other, and hard to blind."""

from typing import LiteralString

import pytest

from app.model import EventType
from tests.payments import UNKNOWN_ORDER, Process, about, connected, drift, query, transfer

UNDESCRIBED: LiteralString = """
    SELECT c.relname || '.' || a.attname FROM pg_class AS c
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE
        c.relnamespace = 'audit'::regnamespace AND c.relkind = 'v'
        AND col_description(c.oid, a.attnum) IS NULL
"""
UNIT: LiteralString = """
    SELECT c.relname || '.' || a.attname FROM pg_class AS c
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE
        c.relnamespace = 'audit'::regnamespace AND c.relkind = 'v'
        AND (a.attname ~ '(amount|balance|debit|credit|surplus|missing|vnd)')
        AND col_description(c.oid, a.attnum) !~ 'đồng'
"""
DAYS: LiteralString = """
    SELECT c.relname || '.' || a.attname FROM pg_class AS c
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE
        c.relnamespace = 'audit'::regnamespace AND a.atttypid = 'date'::regtype
        AND col_description(c.oid, a.attnum) !~ 'Asia/Ho_Chi_Minh'
"""
AS_A_DAY: LiteralString = """
    SELECT
        sum(received_vnd), sum(credited_vnd), sum(to_suspense_vnd - from_suspense_vnd),
        sum(received_vnd + from_suspense_vnd - credited_vnd - to_suspense_vnd)
    FROM audit.daily_totals
"""
ODD: LiteralString = """
    INSERT INTO topup.events (event_id, type, data, occurred_at)
    VALUES (gen_random_uuid(), 'payment.failed', jsonb_build_object(%s::text, 'odd'), now())
"""


async def test_every_column_is_described_with_its_unit_and_its_day(database_url: str) -> None:
    for undescribed in (UNDESCRIBED, UNIT, DAYS):
        assert await query(database_url, undescribed) == []


async def test_the_books_agree_with_each_other(history_url: str) -> None:
    [(received, in_wallets, in_suspense, difference)] = await query(
        history_url,
        "SELECT received, in_wallets, in_suspense, difference FROM audit.money_equation",
    )
    assert difference == 0
    assert await query(history_url, AS_A_DAY) == [(received, in_wallets, in_suspense, 0)]
    balances = dict(await query(history_url, "SELECT account, balance FROM audit.trial_balance"))
    assert sum(balances.values()) == 0
    assert (-balances["payos:clearing"], balances["suspense"]) == (received, in_suspense)
    assert (
        await query(
            history_url,
            """
        SELECT user_id, audit.wallet_at(user_id, now()) FROM audit.statement
        WHERE (balance <> balance_after) OR balance_after <> audit.wallet_at(user_id, recorded_at)
        """,
        )
        == []
    )
    confirmed = await query(
        history_url, "SELECT confirmed_on, count(*) FROM audit.topups GROUP BY 1 ORDER BY 1"
    )
    by_day = "SELECT day, confirmed FROM audit.daily_totals WHERE confirmed > 0 ORDER BY day"
    assert await query(history_url, by_day) == [row for row in confirmed if row[0]]
    assert await drift(history_url) == []


async def test_a_payment_is_late_where_its_top_up_had_been_closed(
    process: Process, database_url: str
) -> None:
    """The one that is paid in time and then cancelled in vain is not; the second late one is."""
    late, in_time = await process.topup(), await process.topup()
    ended = [
        about(late.tx_ref, EventType.TOPUP_CANCELLED),
        about(late.tx_ref, EventType.TOPUP_EXPIRED),
    ]
    first, second = transfer(late.order_code, 1_000), transfer(late.order_code, 2_000)
    paid = transfer(in_time.order_code, 3_000)
    in_vain = about(in_time.tx_ref, EventType.TOPUP_CANCELLED)
    more = transfer(in_time.order_code, 4_000)
    for fact in (*ended, first, second, paid, in_vain, more):
        await process.store.append_events([fact])
    found = await query(
        database_url, "SELECT event_id, amount, closed_by FROM audit.late_payments ORDER BY seq"
    )
    assert found == [
        (first.event_id, 1_000, "topup.cancelled"),
        (second.event_id, 2_000, "topup.cancelled"),
    ]
    flagged = "SELECT event_id FROM audit.webhook_timeline WHERE late ORDER BY seq"
    assert await query(database_url, flagged) == [(first.event_id,), (second.event_id,)]


async def test_an_accepted_conflict_is_received_on_the_day_it_was_accepted(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    paid = transfer(topup.order_code, 1_000, "FT-told-twice")
    told_otherwise = transfer(topup.order_code, 7_000, "FT-told-twice")
    await process.store.append_events([paid, told_otherwise])
    [(conflict,)] = await query(database_url, "SELECT event_id FROM audit.conflicts")
    still_open = "SELECT conflicts_open FROM audit.review_counts"
    assert await query(database_url, still_open) == [(1,)]
    async with connected(database_url, "topup_app") as connection:
        await connection.execute(
            "SELECT topup.assign_suspense(%s, %s, 'two transfers', 'Lan')", (conflict, topup.tx_ref)
        )
    assert await query(database_url, still_open) == [(0,)]
    assert await query(database_url, AS_A_DAY) == [(8_000, 8_000, 0, 0)]
    assert await query(
        database_url, "SELECT amount, reference, why FROM audit.statement ORDER BY entry_id"
    ) == [
        (1_000, "FT-told-twice", "matched by order_code"),
        (7_000, "FT-told-twice", "assigned by Lan: two transfers"),
    ]


async def test_a_conflict_names_the_top_up_that_the_other_transfer_was_assigned_to(
    process: Process, database_url: str
) -> None:
    """Who accepts the conflict has to see that this wallet has the money."""
    topup = await process.topup()
    waits = transfer(UNKNOWN_ORDER, 1_000, "FT-told-twice")
    await process.store.append_events([waits, transfer(UNKNOWN_ORDER, 7_000, "FT-told-twice")])
    where = "SELECT recorded_event_id, recorded_tx_ref FROM audit.conflicts"
    assert await query(database_url, where) == [(waits.event_id, None)]
    async with connected(database_url, "topup_app") as connection:
        await connection.execute(
            "SELECT topup.assign_suspense(%s, %s, 'on the phone', 'Lan')",
            (waits.event_id, topup.tx_ref),
        )
    assert await query(database_url, where) == [(waits.event_id, topup.tx_ref)]


@pytest.mark.breaks_the_laws
async def test_whatever_is_in_the_log_an_auditor_can_read_it(database_url: str) -> None:
    """The doors refuse it. Whoever got past them must not blind the views by it."""
    async with connected(database_url) as superuser:
        await superuser.execute("SET session_replication_role = replica")
        for key in ("amount", "order_code", "body_sha256", "reference", "source"):
            await superuser.execute(ODD, (key,))
    for view in ("events", "webhook_timeline", "unmatched", "daily_totals", "ledger"):
        await query(database_url, f"SELECT * FROM audit.{view}")
    assert await query(
        database_url, "SELECT amount, order_code, data FROM audit.events ORDER BY id LIMIT 2"
    ) == [(None, None, {"amount": "odd"}), (None, None, {"order_code": "odd"})]
