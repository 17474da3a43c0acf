-- open_session: starts a login that ends after p_absolute_seconds at the latest.
-- Raises:   foreign_key_violation for an unknown user.
-- Locks:    the new row, from whoever starts the same login.
-- Notifies: nothing.
-- Why:      it takes only the hash of the cookie's id, and may be repeated with the same one.
CREATE OR REPLACE FUNCTION topup.open_session(
    p_session_hash bytea, p_user_id bigint, p_absolute_seconds double precision
)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO topup.sessions (session_hash, user_id, expires_at)
    VALUES (
        p_session_hash, p_user_id, clock_timestamp() + make_interval(secs => p_absolute_seconds)
    )
    ON CONFLICT (session_hash) DO NOTHING;
$$;
GRANT EXECUTE ON FUNCTION topup.open_session(bytea, bigint, double precision) TO topup_app;
