-- is_urgent: whether somebody may wait for the answer about this top-up at p_at: it can be paid
--           until then, or its time ends with that answer.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      each abandoned top-up is asked about some fifty times; a payer stood behind them all.
CREATE OR REPLACE FUNCTION topup.is_urgent(p_topup topup.topups, p_at timestamptz)
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN p_topup.status IN ('pending', 'underpaid')
        AND p_at <= topup.payable_until(p_topup.expires_at);
END
$$;
