-- read_updates: for each top-up, its state after every event later than p_afters, together and
--           oldest first, and always its state after the latest (null: only that). The one
--           representation for stream frames and for the status answer.
-- Raises:   nothing; an unknown tx_ref gives no row.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      the log decides what a stream sends. final is true on the latest state only: nothing
--           more will come, or nothing came for p_grace_seconds after a close. Whoever missed no
--           more than the latest event needs no fold: that state is the row of the top-up.
CREATE OR REPLACE FUNCTION topup.read_updates(
    p_tx_refs text[], p_afters bigint[], p_grace_seconds double precision
)
RETURNS TABLE (
    tx_ref text,
    seq bigint,
    type text,
    status text,
    amount bigint,
    amount_paid bigint,
    late boolean,
    final boolean,
    wallet_balance bigint,
    confirmed_at timestamptz,
    expires_at timestamptz,
    recorded_at timestamptz
)
LANGUAGE plpgsql
STABLE -- so that both statements see the snapshot of the caller
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- to plan anew costs more than to run
SET enable_seqscan = off -- a plan made while the tables were small shall do for large ones
AS $$
DECLARE
    v_latest bigint;
BEGIN
    RETURN QUERY
    SELECT
        t.tx_ref, t.seq, e.type, t.status, t.amount, t.amount_paid, t.late,
        topup.is_over(t.status, t.closed_at, p_grace_seconds),
        coalesce(l.balance_after, 0), t.confirmed_at, t.expires_at, e.recorded_at
    FROM unnest(p_tx_refs, p_afters) AS r (tx_ref, after)
    INNER JOIN topup.topups AS t ON t.tx_ref = r.tx_ref
    INNER JOIN topup.events AS e ON e.tx_ref = t.tx_ref AND e.seq = t.seq
    LEFT JOIN LATERAL (
        SELECT l.balance_after FROM topup.ledger_entries AS l
        WHERE l.user_id = t.user_id AND l.recorded_at <= e.recorded_at
        ORDER BY l.recorded_at DESC, l.id DESC
        LIMIT 1
    ) AS l ON true
    WHERE (r.after < t.seq - 1) IS NOT TRUE;

    GET DIAGNOSTICS v_latest = ROW_COUNT;
    IF v_latest < cardinality(p_tx_refs) THEN
        RETURN QUERY
        SELECT
            h.tx_ref, h.seq, h.type, h.status, h.amount, h.amount_paid, h.late, h.final,
            h.wallet_balance, h.confirmed_at, h.expires_at, h.recorded_at
        FROM topup.read_history(p_tx_refs, p_afters, p_grace_seconds) AS h;
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION topup.read_updates(text[], bigint[], double precision) TO topup_app;
