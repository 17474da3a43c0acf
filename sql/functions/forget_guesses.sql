-- forget_guesses: forgets the attempts to log in under a name: the password was right.
-- Raises:   nothing.
-- Locks:    the login_guesses row.
-- Notifies: nothing.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.forget_guesses(p_name_hash bytea)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM topup.login_guesses AS g WHERE g.name_hash = p_name_hash;
$$;
GRANT EXECUTE ON FUNCTION topup.forget_guesses(bytea) TO topup_app;
