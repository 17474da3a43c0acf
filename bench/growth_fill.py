"""A database with many events, as years of service would leave it, in seconds.

Each top-up has four events (opened, linked, two transfers), except the latest PENDING, which wait
for money. One user has every fifth top-up; the others have about TOPUPS_PER_USER each, or wait.
One top-up in 500 left a transfer in suspense for ever; those of the last 90 days have their raw
bodies. The triggers are off: what they would have written is written in set form.
"""

import psycopg

EVENTS_PER_TOPUP = 4
TOPUPS_PER_USER = 40
PENDING, WAITING_USERS = 1_300, 60
HOT_USER, HOT_SHARE = 1, 5
FILL = """
    CREATE TEMP TABLE plan AS
    SELECT
        n,
        'T' || upper(lpad(to_hex(n * 2654435761 %% 4294967296), 8, '0')) AS tx_ref,
        CASE
            WHEN n %% %(hot_share)s = 0 THEN %(hot_user)s
            WHEN n > %(topups)s - %(pending)s THEN 2 + %(users)s + n %% %(waiting)s
            ELSE 2 + n * 7919 %% %(users)s
        END AS user_id,
        n > %(topups)s - %(pending)s AS pending,
        CASE WHEN n > %(topups)s - %(pending)s THEN clock_timestamp() - interval '2 min'
            ELSE clock_timestamp() - (%(topups)s - n + 1) * interval '365 days' / %(topups)s
        END AS opened_at
    FROM generate_series(1, %(topups)s::bigint) AS n;

    CREATE TEMP TABLE paid AS
    SELECT p.n, jsonb_build_object(
        'order_code', 5000 + p.n, 'payment_link_id', md5(p.n::text), 'reference', 'FT' || p.n,
        'description_tx_refs', '[]'::jsonb, 'channel', 'client-1', 'transaction_at', p.opened_at,
        'body_sha256', encode(sha256(p.n::text::bytea), 'hex')
    ) AS data
    FROM plan AS p;

    INSERT INTO topup.users (username, password_hash)
    SELECT 'user' || lpad(n::text, 7, '0'), 'no hash'
    FROM generate_series(1, 1 + %(users)s + %(waiting)s) AS n;

    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at, recorded_at)
    SELECT gen_random_uuid(), e.tx_ref, e.seq, e.type, e.data, e.at, e.at
    FROM (
        SELECT p.tx_ref, k.seq, k.type, k.data, p.opened_at + k.seq * interval '20 s' AS at
        FROM plan AS p
        INNER JOIN paid ON paid.n = p.n
        CROSS JOIN LATERAL (VALUES
            (1, 'topup.opened', jsonb_build_object(
                'user_id', p.user_id, 'order_code', 5000 + p.n, 'amount', 50000,
                'expiry_seconds', 7200.0, 'idempotency_key', NULL, 'idempotency_fingerprint', NULL
            )),
            (2, 'topup.linked', jsonb_build_object(
                'payment_link_id', md5(p.n::text), 'checkout_url', 'https://pay.example/' || p.n,
                'qr_code', repeat('0002010102', 15), 'bank_bin', '970422',
                'account_number', '1234567890', 'account_name', 'NAPVI',
                'transfer_message', 'CS1234567 ' || p.tx_ref
            )),
            (3, 'payment.received', paid.data || '{"amount": 20000, "matched_by": "order_code"}'),
            (4, 'payment.received', paid.data || '{"amount": 30000, "matched_by": "order_code"}')
        ) AS k (seq, type, data)
        WHERE k.seq <= 2 OR NOT p.pending
        UNION ALL
        SELECT
            NULL, NULL, 'payment.received',
            paid.data || '{"amount": 7000, "order_code": 99, "unmatched": "order_code.unknown"}',
            p.opened_at + interval '70 s'
        FROM plan AS p INNER JOIN paid ON paid.n = p.n WHERE p.n %% 500 = 0 AND NOT p.pending
    ) AS e
    ORDER BY e.at, e.tx_ref, e.seq;
    ANALYZE topup.events;

    INSERT INTO topup.topups (
        tx_ref, user_id, order_code, payment_link_id, checkout_url, qr_code, bank_bin,
        account_number, account_name, transfer_message, amount, amount_paid, status, late, seq,
        opened_at, expires_at, confirmed_at
    )
    SELECT
        p.tx_ref, p.user_id, 5000 + p.n, l.data ->> 'payment_link_id', l.data ->> 'checkout_url',
        l.data ->> 'qr_code', '970422', '1234567890', 'NAPVI', l.data ->> 'transfer_message',
        50000, 50000 * (NOT p.pending)::int,
        CASE WHEN p.pending THEN 'pending' ELSE 'confirmed' END,
        false, CASE WHEN p.pending THEN 2 ELSE 4 END, o.recorded_at,
        o.recorded_at + interval '7200 s', paid.recorded_at
    FROM plan AS p
    INNER JOIN topup.events AS o ON o.tx_ref = p.tx_ref AND o.seq = 1
    INNER JOIN topup.events AS l ON l.tx_ref = p.tx_ref AND l.seq = 2
    LEFT JOIN topup.events AS paid ON paid.tx_ref = p.tx_ref AND paid.seq = 4
    ORDER BY p.n;

    INSERT INTO topup.ledger_entries
        (event_id, account, user_id, amount, balance_after, recorded_at)
    SELECT
        m.event_id, m.account, m.user_id, m.amount,
        CASE WHEN m.user_id IS NOT NULL
            THEN sum(m.amount) OVER (PARTITION BY m.user_id ORDER BY m.id) END,
        m.recorded_at
    FROM (
        SELECT e.id, e.event_id, e.recorded_at, a.account, a.user_id, a.amount
        FROM topup.events AS e
        LEFT JOIN plan AS p ON p.tx_ref = e.tx_ref
        CROSS JOIN LATERAL (VALUES
            ('payos:clearing', NULL::bigint, -(e.data ->> 'amount')::bigint),
            (coalesce('wallet:' || p.user_id, 'suspense'), p.user_id, (e.data ->> 'amount')::bigint)
        ) AS a (account, user_id, amount)
        WHERE e.type = 'payment.received'
    ) AS m
    ORDER BY m.id, m.amount;

    INSERT INTO topup.wallets (user_id, balance, version)
    SELECT u.user_id, coalesce(sum(l.amount), 0), count(l.id)
    FROM topup.users AS u LEFT JOIN topup.ledger_entries AS l ON l.user_id = u.user_id
    GROUP BY u.user_id;

    INSERT INTO topup.payos_bodies (body_sha256, raw, received_at)
    SELECT sha256(e.id::text::bytea), convert_to(repeat(md5(e.id::text), 20), 'UTF8'), e.recorded_at
    FROM topup.events AS e
    WHERE e.type = 'payment.received' AND e.recorded_at > clock_timestamp() - interval '90 days';

    INSERT INTO topup.payos_checks (tx_ref, next_at)
    SELECT p.tx_ref, clock_timestamp() + interval '1 h' FROM plan AS p WHERE p.pending;

    INSERT INTO topup.sessions (session_hash, user_id, expires_at)
    SELECT sha256(u.user_id::text::bytea), u.user_id, clock_timestamp() + interval '10 h'
    FROM topup.users AS u;

    SELECT setval('topup.order_codes', 5000 + %(topups)s);
"""


def fill(url: str, events: int) -> None:
    """Fills a migrated, empty database. `url` is that of a superuser."""
    topups = (events + 2 * PENDING) // EVENTS_PER_TOPUP
    values = {
        "topups": topups,
        "users": max(1, topups * (HOT_SHARE - 1) // HOT_SHARE // TOPUPS_PER_USER),
        "pending": PENDING,
        "waiting": WAITING_USERS,
        "hot_user": HOT_USER,
        "hot_share": HOT_SHARE,
    }
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET session_replication_role = replica")
        with connection.transaction():
            connection.execute(FILL, values)
        connection.execute("VACUUM (ANALYZE, FREEZE)")
        connection.execute("CHECKPOINT")


def prove(url: str) -> None:
    """What was filled in is what the triggers would have left. Reads everything."""
    with psycopg.connect(url) as connection:
        [differences] = connection.execute("SELECT count(*) FROM audit.drift()").fetchone() or [-1]
        assert differences == 0, f"{differences} differences between log and projections"
