-- revoke_session: ends a login now, and its streams; one that is unknown or has ended already
--           stays as it is.
-- Raises:   nothing.
-- Locks:    the user's streams (topup.lock_streams), the sessions row, its rows of stream_leases in
--           their order.
-- Notifies: worker:<worker_id> of each process that streams under this login.
-- Why:      the cookie may have been copied, so a logout has to end the session on the server.
CREATE OR REPLACE FUNCTION topup.revoke_session(p_session_hash bytea)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_worker_id integer;
BEGIN
    PERFORM topup.lock_streams(ARRAY[p_session_hash]);

    UPDATE topup.sessions SET revoked_at = clock_timestamp()
    WHERE session_hash = p_session_hash AND revoked_at IS NULL;

    FOR v_worker_id IN
        WITH ended AS (
            UPDATE topup.stream_leases AS l SET ended = 'login_ended'
            WHERE (l.worker_id, l.stream_id) IN (
                SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
                WHERE o.session_hash = p_session_hash AND o.ended IS NULL
                ORDER BY o.worker_id, o.stream_id
                FOR UPDATE
            )
            RETURNING l.worker_id
        )
        SELECT DISTINCT e.worker_id FROM ended AS e
    LOOP
        PERFORM topup.notify_if_room('worker:' || v_worker_id, '');
    END LOOP;
END;
$$;
GRANT EXECUTE ON FUNCTION topup.revoke_session(bytea) TO topup_app;
