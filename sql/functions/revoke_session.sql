-- revoke_session: ends a login now; one that is unknown or has ended already stays as it is.
-- Raises:   nothing.
-- Locks:    the sessions row.
-- Notifies: nothing.
-- Why:      the cookie may have been copied, so a logout has to end the session on the server.
CREATE OR REPLACE FUNCTION topup.revoke_session(p_session_hash bytea)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE topup.sessions SET revoked_at = clock_timestamp()
    WHERE session_hash = p_session_hash AND revoked_at IS NULL;
$$;
GRANT EXECUTE ON FUNCTION topup.revoke_session(bytea) TO topup_app;
