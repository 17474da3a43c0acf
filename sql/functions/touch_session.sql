-- touch_session: returns who is logged in and keeps the login awake; no row when it has ended.
-- Raises:   nothing.
-- Locks:    the sessions row, when it writes.
-- Notifies: nothing.
-- Why:      it writes at most once a minute, so that a request is normally a read. ROWS 1,
--           because topup.judge_streams, told nothing, would read all top-ups for each stream.
CREATE OR REPLACE FUNCTION topup.touch_session(
    p_session_hash bytea, p_idle_seconds double precision
)
RETURNS TABLE (user_id bigint, username text)
ROWS 1
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_last_seen_at timestamptz;
BEGIN
    SELECT u.user_id, u.username, s.last_seen_at
    INTO user_id, username, v_last_seen_at
    FROM topup.sessions AS s
    JOIN topup.users AS u ON u.user_id = s.user_id
    WHERE s.session_hash = p_session_hash AND topup.session_is_open(s, p_idle_seconds);

    IF NOT FOUND THEN
        RETURN;
    END IF;

    -- Half the idle time where that is shorter: a busy session must not look idle.
    IF v_last_seen_at < v_now - make_interval(secs => least(60, p_idle_seconds / 2)) THEN
        UPDATE topup.sessions AS s SET last_seen_at = v_now
        WHERE s.session_hash = p_session_hash AND s.last_seen_at < v_now;
    END IF;
    RETURN NEXT;
END;
$$;
GRANT EXECUTE ON FUNCTION topup.touch_session(bytea, double precision) TO topup_app;
