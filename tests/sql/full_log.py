"""A long log, quickly: rows as the projections would have left them, written behind the doors.

Half as many top-ups as events. Nearly all are confirmed, of payers with twenty each; one payer has
a hundredth of all, and most users none. The newest are pending. A few transfers wait for a person,
without a top-up or for one of the pending.
"""

import hashlib
from typing import LiteralString

import psycopg

HEAVY_PAYER = 1
TOPUPS_OF_A_PAYER = 20
USERS_FOR_A_PAYER = 4
PENDING = 500
FOR_REVIEW = 20
BODIES = 2_000
STREAMS = 2_000
WORKER = 7

NOT_PROJECTED = "SET session_replication_role = replica"
TOPUPS: LiteralString = """
    CREATE TEMPORARY TABLE made AS
    SELECT
        t.n,
        'T' || lpad(upper(to_hex(t.n)), 8, '0') AS tx_ref,
        CASE WHEN t.n %% 100 = 0 THEN 1 ELSE 2 + t.n %% (%(topups)s / %(each)s) END AS user_id,
        t.n > %(topups)s - %(pending)s AS pending,
        t.n - %(topups)s + %(pending)s BETWEEN 1 AND %(for_review)s AS held,
        now() - make_interval(mins => (%(topups)s - t.n)::integer) AS at
    FROM generate_series(1, %(topups)s) AS t (n)
"""
ROWS: tuple[LiteralString, ...] = (
    """
    INSERT INTO topup.users (user_id, username, password_hash)
    OVERRIDING SYSTEM VALUE
    SELECT u.n, 'user' || u.n, 'none' FROM generate_series(1, %(users)s) AS u (n)
    """,
    """
    INSERT INTO topup.sessions (session_hash, user_id, expires_at)
    SELECT sha256(u.username::bytea), u.user_id, now() + interval '1 day' FROM topup.users AS u
    """,
    """
    INSERT INTO topup.login_guesses (name_hash, guesses, next_at)
    SELECT sha256(u.username::bytea), 1, now() FROM topup.users AS u
    """,
    """
    INSERT INTO topup.wallets (user_id, balance, version)
    SELECT m.user_id, sum(50000), count(*) FROM made AS m GROUP BY m.user_id
    """,
    """
    INSERT INTO topup.topups (
        tx_ref, user_id, order_code, payment_link_id, amount, amount_paid, status, late, seq,
        opened_at, expires_at, confirmed_at, idempotency_key
    )
    SELECT
        m.tx_ref, m.user_id, 1000 + m.n, md5(m.n::text), 50000,
        CASE WHEN m.pending THEN 0 ELSE 50000 END,
        CASE WHEN m.pending THEN 'pending' ELSE 'confirmed' END,
        false, CASE WHEN m.pending AND NOT m.held THEN 1 ELSE 2 END,
        m.at, m.at + interval '1 day', CASE WHEN NOT m.pending THEN m.at END, m.n::text
    FROM made AS m
    """,
    """
    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at, recorded_at)
    SELECT
        md5(m.n || '/' || s.seq)::uuid, m.tx_ref, s.seq,
        CASE
            WHEN s.seq = 1 THEN 'topup.opened'
            WHEN m.held THEN 'payment.conflict'
            ELSE 'payment.received'
        END,
        jsonb_build_object(
            'amount', 50000, 'user_id', m.user_id, 'order_code', 1000 + m.n, 'expiry_seconds', 900
        ),
        m.at, m.at
    FROM made AS m CROSS JOIN generate_series(1, 2) AS s (seq)
    WHERE s.seq = 1 OR NOT m.pending OR m.held
    """,
    """
    INSERT INTO topup.ledger_entries
        (event_id, account, user_id, amount, balance_after, recorded_at)
    SELECT md5(m.n || '/2')::uuid, e.account, e.user_id, e.amount, 50000 + e.user_id * 0, m.at
    FROM made AS m
    CROSS JOIN LATERAL (
        VALUES ('payos:clearing', NULL, -50000), ('wallet:' || m.user_id, m.user_id, 50000)
    ) AS e (account, user_id, amount)
    WHERE NOT m.pending
    """,
    """
    INSERT INTO topup.events (event_id, type, data, occurred_at)
    SELECT
        gen_random_uuid(), (ARRAY['payment.received', 'payment.conflict'])[1 + n %% 2],
        jsonb_build_object('amount', 50000, 'order_code', n, 'conflicts_with', gen_random_uuid()),
        now()
    FROM generate_series(1, %(for_review)s) AS n
    """,
    """
    INSERT INTO topup.payos_bodies
        (body_sha256, raw, fault, dismissed_at, dismissed_by, dismissed_reason)
    SELECT
        sha256(n::text::bytea), '', CASE WHEN n <= 20 * %(for_review)s THEN 'json.shape' END,
        d.at, CASE WHEN d.at IS NOT NULL THEN 'Lan' END,
        CASE WHEN d.at IS NOT NULL THEN 'no money' END
    FROM generate_series(1, %(bodies)s) AS n
    CROSS JOIN LATERAL (
        SELECT CASE WHEN n BETWEEN %(for_review)s + 1 AND 20 * %(for_review)s THEN now() END
    ) AS d (at)
    """,
    """
    INSERT INTO topup.payos_checks (tx_ref, next_at, urgent)
    SELECT m.tx_ref, now() + make_interval(secs => m.n %% 200 - 100), m.n %% 20 = 0
    FROM made AS m WHERE m.pending
    """,
    """
    INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref)
    SELECT %(worker)s + m.n %% 4, m.n, m.user_id, sha256(('user' || m.user_id)::bytea), m.tx_ref
    FROM made AS m WHERE m.n <= %(streams)s
    """,
)


def tx_ref(number: int) -> str:
    """Of the top-ups, numbered from 1, oldest first."""
    return f"T{number:08X}"


def order_code(number: int) -> int:
    return 1_000 + number


def link(number: int) -> str:
    return hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def fill(url: str, events: int) -> None:
    """At least PENDING, 2 * BODIES and 2 * STREAMS `events`; with fresh statistics."""
    sizes = {
        "topups": events // 2,
        "each": TOPUPS_OF_A_PAYER,
        "users": events // 2 // TOPUPS_OF_A_PAYER * USERS_FOR_A_PAYER,
        "pending": PENDING,
        "for_review": FOR_REVIEW,
        "bodies": BODIES,
        "streams": STREAMS,
        "worker": WORKER,
    }
    with psycopg.ClientCursor(psycopg.connect(url, autocommit=True)) as cursor:
        cursor.execute(NOT_PROJECTED)
        for statement in (TOPUPS, *ROWS):
            cursor.execute(statement, sizes)
        cursor.execute("VACUUM ANALYZE")
        cursor.connection.close()
