-- prune_guesses: forgets the attempts to log in under up to p_rows_max names that nobody tried for
--           p_kept_seconds. Returns how many.
-- Raises:   nothing.
-- Locks:    one advisory lock, then the rows that are free, until the commit. Returns 0 while
--           another process prunes.
-- Notifies: nothing.
-- Why a door: the application may not write a table. Anybody can make a row with any name, and
--           nobody ever logs in under most of them.
CREATE OR REPLACE FUNCTION topup.prune_guesses(
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

    DELETE FROM topup.login_guesses AS g
    WHERE g.name_hash IN (
        SELECT o.name_hash FROM topup.login_guesses AS o
        WHERE o.next_at < v_before
        ORDER BY o.next_at
        LIMIT p_rows_max
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END
$$;

GRANT EXECUTE ON FUNCTION topup.prune_guesses(double precision, integer) TO topup_app;
