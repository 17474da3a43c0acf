-- read_updates: for each top-up, its state after every event later than p_afters, oldest first,
--           and always its state after the latest (null: only that). The one representation for
--           stream frames and for the status answer.
-- Raises:   nothing; an unknown tx_ref gives no row.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      the log decides what a stream sends. final is true on the latest state only: nothing
--           more will come, or nothing came for p_grace_seconds after a close.
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
STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- to plan anew costs more than to run
SET enable_seqscan = off -- a plan made while the tables were small shall do for large ones
AS $$
BEGIN
    RETURN QUERY
    WITH history AS (
        SELECT
            e.tx_ref, e.seq, e.type, e.recorded_at, r.after,
            max(e.seq) OVER (PARTITION BY e.tx_ref) AS head,
            topup.fold(e) OVER (PARTITION BY e.tx_ref ORDER BY e.seq) AS state
        FROM unnest(p_tx_refs, p_afters) AS r (tx_ref, after)
        INNER JOIN topup.events AS e ON e.tx_ref = r.tx_ref
    )
    SELECT
        h.tx_ref, h.seq, h.type, (h.state).status, (h.state).amount, (h.state).amount_paid,
        (h.state).late,
        h.seq = h.head AND (
            (h.state).status = 'confirmed'
            OR coalesce(
                (h.state).closed_at + make_interval(secs => p_grace_seconds) <= clock_timestamp(),
                false
            )
        ),
        coalesce(l.balance_after, 0), (h.state).confirmed_at, (h.state).expires_at, h.recorded_at
    FROM history AS h
    LEFT JOIN LATERAL (
        SELECT l.balance_after FROM topup.ledger_entries AS l
        WHERE l.user_id = (h.state).user_id AND l.recorded_at <= h.recorded_at
        ORDER BY l.recorded_at DESC, l.id DESC
        LIMIT 1
    ) AS l ON true
    WHERE h.seq > h.after OR h.seq = h.head
    ORDER BY h.tx_ref, h.seq;
END
$$;

GRANT EXECUTE ON FUNCTION topup.read_updates(text[], bigint[], double precision) TO topup_app;
