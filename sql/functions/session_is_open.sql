-- session_is_open: whether a login is neither revoked nor expired nor idle for too long.
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      requests and open streams follow one rule.
CREATE OR REPLACE FUNCTION topup.session_is_open(
    p_session topup.sessions, p_idle_seconds double precision
)
RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        p_session.revoked_at IS NULL
        AND p_session.expires_at > clock_timestamp()
        AND p_session.last_seen_at > clock_timestamp() - make_interval(secs => p_idle_seconds)
$$;
