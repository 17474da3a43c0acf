"""What an auditor asks for one wallet, top-up or day comes from an index, however long the log is.

NAPVI_TEST_AUDIT_EVENTS=1000000 asks among a million events.
"""

import logging
import os
from collections.abc import AsyncIterator
from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection

from tests.payments import connected

log = logging.getLogger(__name__)

EVENTS = int(os.environ.get("NAPVI_TEST_AUDIT_EVENTS", "15000"))
TOPUPS = EVENTS // 3
USERS = 1_000
DAYS = 200

FILL: tuple[LiteralString, ...] = (
    "SET session_replication_role = replica",
    """
    INSERT INTO topup.users (username, password_hash)
    SELECT 'user-' || n, '' FROM generate_series(1, %(users)s) AS n
    """,
    "INSERT INTO topup.wallets (user_id) SELECT user_id FROM topup.users",
    """
    CREATE TABLE public.made AS
    SELECT
        n, 'T' || lpad(n::text, 8, '0') AS tx_ref, 1 + n %% %(users)s AS user_id,
        '2025-01-01'::timestamptz + n * interval '1 day' * %(days)s / %(topups)s AS at
    FROM generate_series(1, %(topups)s) AS n
    """,
    """
    INSERT INTO topup.topups (
        tx_ref, user_id, order_code, amount, amount_paid, status, late, seq, opened_at, expires_at,
        confirmed_at
    )
    SELECT
        tx_ref, user_id, 1000 + n, 50000, 50000, 'confirmed', n %% 1000 = 0, 3, at,
        at + interval '2 hours', at
    FROM public.made
    """,
    """
    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at, recorded_at)
    SELECT gen_random_uuid(), m.tx_ref, e.seq, e.type, e.data, m.at, m.at
    FROM public.made AS m
    CROSS JOIN (
        VALUES
        (1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 1000}'::jsonb),
        (2, 'topup.linked', '{"payment_link_id": "1", "qr_code": "0002010102"}'),
        (3, 'payment.received', '{"amount": 50000, "reference": "FT1", "code": "00"}')
    ) AS e (seq, type, data)
    ORDER BY m.n, e.seq
    """,
    """
    INSERT INTO topup.ledger_entries
        (event_id, account, user_id, amount, balance_after, recorded_at)
    SELECT e.event_id, p.account, p.user_id, p.amount, abs(p.user_id), e.recorded_at
    FROM topup.events AS e
    INNER JOIN public.made AS m ON m.tx_ref = e.tx_ref
    CROSS JOIN LATERAL (
        VALUES
        ('payos:clearing', NULL, -50000), ('wallet:' || m.user_id, m.user_id, 50000)
    ) AS p (account, user_id, amount)
    WHERE e.seq = 3
    ORDER BY e.id
    """,
    "SET session_replication_role = origin",
    "VACUUM ANALYZE topup.events, topup.ledger_entries, topup.topups, topup.wallets",
)
QUESTIONS: dict[LiteralString, set[str]] = {
    "SELECT * FROM audit.statement WHERE user_id = 7 ORDER BY entry_id": set(),
    "SELECT audit.wallet_at(7, '2025-07-01')": set(),
    "SELECT * FROM audit.daily_totals WHERE day = '2025-03-03'": {
        "events_recorded_on",
        "ledger_entries_recorded_on",
    },
    "SELECT * FROM audit.events WHERE recorded_on = '2025-03-03'": {"events_recorded_on"},
    "SELECT * FROM audit.events WHERE recorded_at > '2025-03-03' AND recorded_at < '2025-03-04'": {
        "events_recorded_on"
    },
    "SELECT * FROM audit.ledger WHERE recorded_on = '2025-03-03'": {"ledger_entries_recorded_on"},
    "SELECT * FROM audit.webhook_timeline WHERE recorded_on = '2025-03-03'": {"events_recorded_on"},
    "SELECT * FROM audit.events WHERE tx_ref = 'T00000007' ORDER BY seq": {"events_tx_ref_seq_key"},
    "SELECT * FROM audit.events WHERE id > 500 AND id <= 520 ORDER BY id LIMIT 1000": {
        "events_pkey"
    },
    "SELECT * FROM audit.ledger WHERE id > 500 AND id <= 520 ORDER BY id LIMIT 1000": {
        "ledger_entries_pkey"
    },
    "SELECT * FROM audit.unmatched": {"events_for_review"},
    "SELECT * FROM audit.late_payments": {"topups_late"},
}
"""Each with the indexes that answer it; where there are several for it, without. That of wallet_at
is inside a function: it is timed."""


@pytest.fixture
async def long_log(database_url: str) -> AsyncIterator[AsyncConnection]:
    values = {"users": USERS, "topups": TOPUPS, "days": DAYS}
    async with connected(database_url) as superuser:
        for statement in FILL:
            await superuser.execute(statement, values if "%" in statement else None)
        await superuser.execute("DROP TABLE public.made")
        yield superuser


@pytest.mark.breaks_the_laws
@pytest.mark.timeout(600)
async def test_no_question_about_one_of_many_reads_them_all(long_log: AsyncConnection) -> None:
    for question, indexes in QUESTIONS.items():
        cursor = await long_log.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + question)
        [(plan,)] = await cursor.fetchall()
        cost = f"{plan[0]['Execution Time']:.1f} ms, {plan[0]['Plan']['Shared Hit Blocks']} blocks"
        log.warning("%s: %s", cost, question)
        nodes = scans(plan[0]["Plan"])
        used = {node["Index Name"] for node in nodes if "Index Name" in node}
        assert indexes <= used, question
        scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
        assert not scanned & {"events", "ledger_entries"}, question


def scans(plan: dict[str, Any]) -> list[dict[str, Any]]:
    """The node and all below it."""
    return [plan, *(node for child in plan.get("Plans", []) for node in scans(child))]
