-- payable_until: when nobody can pay any more, also not by a clock of PayOS that is late.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      a link that PayOS was told to close at p_expires_at is not closed by us before it is.
CREATE OR REPLACE FUNCTION topup.payable_until(p_expires_at timestamptz)
RETURNS timestamptz
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT p_expires_at + interval '5 seconds'
$$;

GRANT EXECUTE ON FUNCTION topup.payable_until(timestamptz) TO topup_app;
