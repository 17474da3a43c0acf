-- wallet_drift: every difference between the ledger entries of the wallets and the wallets, between
--           the wallets and the users, and between the order of entries and that of their events.
-- Raises:   nothing.
-- Locks:    nothing: one statement, one snapshot, on a live system.
-- Notifies: nothing.
-- Why:      the half of audit.drift that needs no fold: it compares the ledger with the log.
CREATE OR REPLACE FUNCTION topup.wallet_drift()
RETURNS TABLE (subject text, key text, expected jsonb, actual jsonb)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH entries AS (
        SELECT
            l.id, l.event_id, l.balance_after, e.id AS number,
            sum(l.amount) OVER of_wallet AS balance,
            lag(e.id) OVER of_wallet AS number_before,
            lag(l.event_id) OVER of_wallet AS event_id_before
        FROM topup.ledger_entries AS l
        LEFT JOIN topup.events AS e ON e.event_id = l.event_id
        WHERE l.user_id IS NOT NULL
        WINDOW of_wallet AS (PARTITION BY l.user_id ORDER BY l.id)
    ),

    sums AS (
        SELECT l.user_id, sum(l.amount) AS balance, count(*) AS version
        FROM topup.ledger_entries AS l
        WHERE l.user_id IS NOT NULL
        GROUP BY l.user_id
    ),

    -- Each user has a wallet, and each wallet a user.
    wallets AS (
        SELECT
            coalesce(u.user_id, s.user_id, w.user_id) AS user_id,
            u.user_id IS NULL AS of_nobody,
            CASE WHEN u.user_id IS NOT NULL THEN jsonb_build_object(
                'user_id', u.user_id,
                'balance', coalesce(s.balance, 0),
                'version', coalesce(s.version, 0)
            ) END AS expected,
            to_jsonb(w) AS actual
        FROM topup.users AS u
        FULL JOIN sums AS s ON s.user_id = u.user_id
        FULL JOIN topup.wallets AS w ON w.user_id = coalesce(u.user_id, s.user_id)
    )

    SELECT 'balance_after', e.id::text, to_jsonb(e.balance), to_jsonb(e.balance_after)
    FROM entries AS e
    WHERE e.balance IS DISTINCT FROM e.balance_after
    UNION ALL
    SELECT
        'order', e.id::text,
        jsonb_build_object('comes_before', e.event_id_before),
        jsonb_build_object('comes_after', e.event_id_before)
    FROM entries AS e
    WHERE e.number < e.number_before
    UNION ALL
    SELECT 'wallet', w.user_id::text, w.expected, w.actual
    FROM wallets AS w
    WHERE w.of_nobody OR w.expected IS DISTINCT FROM w.actual
$$;
