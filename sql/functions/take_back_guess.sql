-- take_back_guess: uncounts an attempt to log in whose password was not looked at after all.
-- Raises:   nothing.
-- Locks:    the login_guesses row.
-- Notifies: nothing.
-- Why a door: the application may not write a table. Who is sent away because too many log in has
--           guessed nothing, and need not wait for it.
CREATE OR REPLACE FUNCTION topup.take_back_guess(p_name_hash bytea)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE topup.login_guesses AS g
    SET guesses = greatest(0, g.guesses - 1), next_at = clock_timestamp()
    WHERE g.name_hash = p_name_hash;
$$;
GRANT EXECUTE ON FUNCTION topup.take_back_guess(bytea) TO topup_app;
