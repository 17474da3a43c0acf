-- register_user: makes an account with an empty wallet and returns its user_id.
-- Raises:   TU003 the username belongs to somebody else.
-- Locks:    the username: a parallel registration of it waits for the first to commit.
-- Notifies: nothing.
-- Why:      a hash is salted, so the same one again is the same call, whose answer was lost.
CREATE OR REPLACE FUNCTION topup.register_user(p_username text, p_password_hash text)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user_id bigint;
BEGIN
    INSERT INTO topup.users (username, password_hash)
    VALUES (p_username, p_password_hash)
    ON CONFLICT (username) DO NOTHING
    RETURNING user_id INTO v_user_id;

    IF v_user_id IS NOT NULL THEN
        INSERT INTO topup.wallets (user_id) VALUES (v_user_id);
        RETURN v_user_id;
    END IF;

    SELECT u.user_id INTO v_user_id
    FROM topup.users AS u
    WHERE u.username = p_username AND u.password_hash = p_password_hash;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'username taken' USING ERRCODE = 'TU003', DETAIL = p_username;
    END IF;
    RETURN v_user_id;
END;
$$;
GRANT EXECUTE ON FUNCTION topup.register_user(text, text) TO topup_app;
