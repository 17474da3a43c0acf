-- lock_streams: locks the streams of the users behind these logins, until the transaction ends.
-- Raises:   nothing; an unknown login locks nothing.
-- Locks:    one advisory lock a user, in the order of the locks: users far apart share one.
-- Notifies: nothing.
-- Why:      under it the limit of a user is counted, and a logout waits for leases or is seen.
CREATE OR REPLACE FUNCTION topup.lock_streams(p_session_hashes bytea[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7282, u.key)
    FROM (
        SELECT DISTINCT (s.user_id % 2147483647)::integer AS key FROM topup.sessions AS s
        WHERE s.session_hash = ANY (p_session_hashes)
        ORDER BY key
    ) AS u;
END
$$;
