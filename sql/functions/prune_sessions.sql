-- prune_sessions: forgets up to p_rows_max logins that could not be used any more p_kept_seconds
--           ago, however they ended. Returns how many.
-- Raises:   nothing.
-- Locks:    one advisory lock, then the rows that are free, until the commit. Returns 0 while
--           another process prunes.
-- Notifies: nothing.
-- Why a door: the application may not write a table. The absolute expiry is what counts: a login
--           that was revoked or fell asleep has one too, and no cookie outlives it.
CREATE OR REPLACE FUNCTION topup.prune_sessions(
    p_kept_seconds double precision, p_rows_max integer
)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- A constant, so that it can be looked up in the index.
    v_before CONSTANT timestamptz := clock_timestamp() - make_interval(secs => p_kept_seconds);
    v_deleted integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('topup.prune', 0)) THEN
        RETURN 0;
    END IF;

    DELETE FROM topup.sessions AS s
    WHERE s.session_hash IN (
        SELECT o.session_hash FROM topup.sessions AS o
        WHERE o.expires_at < v_before
        ORDER BY o.expires_at
        LIMIT p_rows_max
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END
$$;

GRANT EXECUTE ON FUNCTION topup.prune_sessions(double precision, integer) TO topup_app;
