-- close: a top-up after it failed, was cancelled or expired. Only one that waits for its first
--           money can be closed: what has been paid for stays as it is.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      no later failure, cancel or expiry may change a confirmed top-up.
CREATE OR REPLACE FUNCTION topup.close(
    p_state topup.topups, p_status text, p_recorded_at timestamptz
)
RETURNS topup.topups
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_next topup.topups := p_state;
BEGIN
    IF p_state.status = 'pending' THEN
        v_next.status := p_status;
        v_next.closed_at := p_recorded_at;
    END IF;
    RETURN v_next;
END
$$;
