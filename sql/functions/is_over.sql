-- is_over: whether nothing more will come for a top-up with this status: it is confirmed, or
--           nothing came for p_grace_seconds after a close.
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      a stream ends there, and a browser that comes back is told so.
CREATE OR REPLACE FUNCTION topup.is_over(
    p_status text, p_closed_at timestamptz, p_grace_seconds double precision
)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN p_status = 'confirmed' OR coalesce(
        p_closed_at + make_interval(secs => p_grace_seconds) <= clock_timestamp(), false
    );
END
$$;

GRANT EXECUTE ON FUNCTION topup.is_over(text, timestamptz, double precision) TO topup_app;
