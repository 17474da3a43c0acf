-- read_history: for each top-up with more than one event later than p_afters, its state after each
--           of them, oldest first.
-- Raises:   nothing; an unknown tx_ref gives no row.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      a frame of the past shows the state of the past.
CREATE OR REPLACE FUNCTION topup.read_history(
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
AS $$
BEGIN
    RETURN QUERY
    WITH history AS (
        SELECT
            e.tx_ref, e.seq, e.type, e.recorded_at, r.after, t.seq AS head,
            topup.fold(e) OVER (PARTITION BY e.tx_ref ORDER BY e.seq) AS state
        FROM unnest(p_tx_refs, p_afters) AS r (tx_ref, after)
        INNER JOIN topup.topups AS t ON t.tx_ref = r.tx_ref
        INNER JOIN topup.events AS e ON e.tx_ref = t.tx_ref
        WHERE r.after < t.seq - 1
    )
    SELECT
        h.tx_ref, h.seq, h.type, (h.state).status, (h.state).amount, (h.state).amount_paid,
        (h.state).late,
        h.seq = h.head AND topup.is_over(
            (h.state).status, (h.state).closed_at, p_grace_seconds
        ),
        coalesce(l.balance_after, 0), (h.state).confirmed_at, (h.state).expires_at, h.recorded_at
    FROM history AS h
    LEFT JOIN LATERAL (
        SELECT l.balance_after FROM topup.ledger_entries AS l
        WHERE l.user_id = (h.state).user_id AND l.recorded_at <= h.recorded_at
        ORDER BY l.recorded_at DESC, l.id DESC
        LIMIT 1
    ) AS l ON true
    WHERE h.seq > h.after
    ORDER BY h.tx_ref, h.seq;
END
$$;

GRANT EXECUTE ON FUNCTION topup.read_history(text[], bigint[], double precision) TO topup_app;
