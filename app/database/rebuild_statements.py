"""The SQL of a rebuild, in the order in which app.database.rebuild runs it."""

OWNER = "SET LOCAL ROLE topup_owner"
# One rebuild at a time, and who waits for another holds up nobody yet. No advisory lock: to ask for
# one is a query, and would decide what is seen before it is held.
ALONE = "LOCK TABLE topup.topups IN SHARE UPDATE EXCLUSIVE MODE"
# In the order in which payments lock: whoever has begun to pay ends first. Opening a top-up comes
# from the other end (wallet, event, top-up); where the two meet, this is tried again.
STAND_STILL = """
    LOCK TABLE topup.topups, topup.wallets, topup.events, topup.ledger_entries IN EXCLUSIVE MODE
"""
SCHEMA = "CREATE SCHEMA topup_rebuilt AUTHORIZATION topup_owner"
TABLES = """
    CREATE TABLE topup_rebuilt.topups (LIKE topup.topups INCLUDING INDEXES);
    CREATE TABLE topup_rebuilt.wallets (LIKE topup.wallets INCLUDING INDEXES);
    CREATE TABLE topup_rebuilt.ledger_entries
        (LIKE topup.ledger_entries INCLUDING INDEXES INCLUDING IDENTITY)
"""
COUNT = "SELECT count(*) FROM topup.events WHERE seq = 1"
FOLD = """
    WITH folded AS (
        INSERT INTO topup_rebuilt.topups
        SELECT (s.state).*
        FROM (
            SELECT topup.fold(e ORDER BY e.seq) AS state
            FROM topup.events AS e
            WHERE e.tx_ref IN (
                SELECT o.tx_ref FROM topup.events AS o
                WHERE o.seq = 1 AND o.tx_ref > %s ORDER BY o.tx_ref LIMIT %s
            )
            GROUP BY e.tx_ref
        ) AS s
        RETURNING tx_ref
    )

    SELECT f.tx_ref FROM folded AS f ORDER BY f.tx_ref
"""
POST = """
    INSERT INTO topup_rebuilt.ledger_entries
        (event_id, account, user_id, amount, balance_after, recorded_at)
    SELECT
        e.event_id, p.account, p.user_id, p.amount,
        CASE WHEN p.user_id IS NOT NULL
            THEN sum(p.amount) OVER (PARTITION BY p.user_id ORDER BY e.id)
        END,
        e.recorded_at
    FROM topup.events AS e
    LEFT JOIN topup_rebuilt.topups AS t ON t.tx_ref = e.tx_ref
    CROSS JOIN LATERAL unnest(topup.postings(e, t.user_id)) AS p
    ORDER BY e.id;

    INSERT INTO topup_rebuilt.wallets (user_id, balance, version)
    SELECT u.user_id, coalesce(sum(l.amount), 0), count(l.amount)
    FROM topup.users AS u
    LEFT JOIN topup_rebuilt.ledger_entries AS l ON l.user_id = u.user_id
    GROUP BY u.user_id;

    ANALYZE topup_rebuilt.topups, topup_rebuilt.wallets, topup_rebuilt.ledger_entries
"""
# The numbers of ledger entries differ, and their order within a wallet must not.
DIFFERENCES = """
    CREATE TEMPORARY TABLE differences ON COMMIT DROP AS
    SELECT
        'topups' AS projection, coalesce(r.tx_ref, t.tx_ref) AS key, NULL::bigint AS user_id,
        to_jsonb(r) AS rebuilt, to_jsonb(t) AS found
    FROM topup_rebuilt.topups AS r
    FULL JOIN topup.topups AS t ON t.tx_ref = r.tx_ref
    WHERE to_jsonb(r) IS DISTINCT FROM to_jsonb(t)
    UNION ALL
    SELECT
        'wallets', coalesce(r.user_id, w.user_id)::text, coalesce(r.user_id, w.user_id),
        to_jsonb(r), to_jsonb(w)
    FROM topup_rebuilt.wallets AS r
    FULL JOIN topup.wallets AS w ON w.user_id = r.user_id
    WHERE to_jsonb(r) IS DISTINCT FROM to_jsonb(w)
    UNION ALL
    SELECT
        'ledger_entries',
        coalesce(r.event_id, l.event_id) || ' ' || coalesce(r.account, l.account),
        coalesce(r.user_id, l.user_id), to_jsonb(r) - 'id', to_jsonb(l) - 'id'
    FROM topup_rebuilt.ledger_entries AS r
    FULL JOIN topup.ledger_entries AS l ON l.event_id = r.event_id AND l.account = r.account
    WHERE to_jsonb(r) - 'id' IS DISTINCT FROM to_jsonb(l) - 'id'
    UNION ALL
    SELECT
        'ledger_entries', o.event_id || ' ' || o.account, o.user_id,
        jsonb_build_object('comes_before', o.next_event_id),
        jsonb_build_object('comes_after', o.next_event_id)
    FROM (
        SELECT
            l.event_id, l.account, l.user_id, l.id,
            lead(l.id) OVER by_event AS next_id, lead(l.event_id) OVER by_event AS next_event_id
        FROM topup_rebuilt.ledger_entries AS r
        INNER JOIN topup.ledger_entries AS l ON l.event_id = r.event_id AND l.account = r.account
        WHERE r.user_id IS NOT NULL
        WINDOW by_event AS (PARTITION BY r.user_id ORDER BY r.id)
    ) AS o
    WHERE o.id > o.next_id
"""
FOUND = """
    SELECT
        d.projection, d.key, d.rebuilt, d.found, count(*) OVER () AS total,
        count(*) FILTER (WHERE d.projection = 'ledger_entries') OVER () AS total_of_ledger
    FROM differences AS d ORDER BY d.projection DESC, d.key LIMIT %s
"""
# A wrong entry keeps its id: exports have gone past it. Of a wallet that lacks one, or whose
# entries are in another order, all are written again: their ids are their order. No two conditions
# of a join in an OR: differences times entries would be compared, while every payment waits.
REPLACE = """
    ALTER TABLE topup.ledger_entries DISABLE TRIGGER ledger_entries_before_change;

    DELETE FROM topup.ledger_entries AS l
    WHERE l.user_id IN (
        SELECT d.user_id FROM differences AS d
        WHERE
            d.projection = 'ledger_entries'
            AND (d.found IS NULL OR d.rebuilt ? 'comes_before')
    );
    DELETE FROM topup.ledger_entries AS l
    WHERE l.event_id || ' ' || l.account IN (
        SELECT d.key FROM differences AS d
        WHERE d.projection = 'ledger_entries' AND d.rebuilt IS NULL
    );
    UPDATE topup.ledger_entries AS l
    SET
        user_id = r.user_id, amount = r.amount, balance_after = r.balance_after,
        recorded_at = r.recorded_at
    FROM topup_rebuilt.ledger_entries AS r
    INNER JOIN differences AS d
        ON d.projection = 'ledger_entries' AND d.key = r.event_id || ' ' || r.account
    WHERE l.event_id = r.event_id AND l.account = r.account;
    DELETE FROM topup.topups AS t
    USING differences AS d
    WHERE d.projection = 'topups' AND d.key = t.tx_ref;

    INSERT INTO topup.wallets AS w (user_id, balance, version)
    SELECT r.user_id, r.balance, r.version
    FROM topup_rebuilt.wallets AS r
    INNER JOIN differences AS d ON d.projection = 'wallets' AND d.key = r.user_id::text
    ON CONFLICT (user_id) DO UPDATE SET balance = excluded.balance, version = excluded.version;
    INSERT INTO topup.topups
    SELECT (r).*
    FROM topup_rebuilt.topups AS r
    INNER JOIN differences AS d ON d.projection = 'topups' AND d.key = r.tx_ref;
    INSERT INTO topup.ledger_entries
        (event_id, account, user_id, amount, balance_after, recorded_at)
    SELECT r.event_id, r.account, r.user_id, r.amount, r.balance_after, r.recorded_at
    FROM topup_rebuilt.ledger_entries AS r
    WHERE NOT EXISTS (
        SELECT FROM topup.ledger_entries AS l
        WHERE l.event_id = r.event_id AND l.account = r.account
    )
    ORDER BY r.id;

    DELETE FROM topup.wallets AS w
    USING differences AS d
    WHERE d.projection = 'wallets' AND d.rebuilt IS NULL AND d.key = w.user_id::text;

    SET CONSTRAINTS ALL IMMEDIATE;
    ALTER TABLE topup.ledger_entries ENABLE TRIGGER ledger_entries_before_change
"""
DRIFT = "SELECT count(*) FROM audit.drift()"
END = "DROP SCHEMA topup_rebuilt CASCADE"
