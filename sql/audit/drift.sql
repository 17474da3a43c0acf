-- drift: every difference between the log of events and what was projected from it. Empty, always.
-- Raises:   nothing.
-- Locks:    nothing: one statement, one snapshot, on a live system.
-- Notifies: nothing.
-- Why a door: an auditor may read audit only.
CREATE OR REPLACE FUNCTION audit.drift()
RETURNS TABLE (subject text, key text, expected jsonb, actual jsonb)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH folded AS (
        SELECT e.tx_ref, count(*) AS events, topup.fold(e ORDER BY e.seq) AS state
        FROM topup.events AS e
        WHERE e.tx_ref IS NOT NULL
        GROUP BY e.tx_ref
    ),

    posted AS (
        SELECT e.event_id, p.account, p.user_id, p.amount, e.recorded_at
        FROM topup.events AS e
        LEFT JOIN folded AS f ON f.tx_ref = e.tx_ref
        CROSS JOIN LATERAL unnest(topup.postings(e, (f.state).user_id)) AS p
    )

    SELECT 'topup', coalesce(f.tx_ref, t.tx_ref), to_jsonb(f.state), to_jsonb(t)
    FROM folded AS f
    FULL JOIN topup.topups AS t ON t.tx_ref = f.tx_ref
    WHERE to_jsonb(f.state) IS DISTINCT FROM to_jsonb(t)
    UNION ALL
    SELECT 'seq', f.tx_ref, to_jsonb(f.events), to_jsonb((f.state).seq)
    FROM folded AS f
    WHERE f.events IS DISTINCT FROM (f.state).seq
    UNION ALL
    SELECT 'ledger', coalesce(p.event_id, l.event_id)::text, to_jsonb(p), to_jsonb(l)
    FROM posted AS p
    FULL JOIN topup.ledger_entries AS l ON l.event_id = p.event_id AND l.account = p.account
    WHERE
        (p.user_id, p.amount, p.recorded_at) IS DISTINCT FROM (l.user_id, l.amount, l.recorded_at)
        OR l.user_id IS NULL AND l.balance_after IS NOT NULL
    UNION ALL
    SELECT d.subject, d.key, d.expected, d.actual
    FROM topup.wallet_drift() AS d
$$;

COMMENT ON FUNCTION audit.drift() IS
'Every difference between the log and the top-ups, wallets and ledger made from it. No row: none.';

GRANT EXECUTE ON FUNCTION audit.drift() TO topup_auditor, topup_app;
