-- has_strangers: whether one of these facts belongs to no top-up.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      strangers are judged under the lock of suspense, and only they wait for it.
CREATE OR REPLACE FUNCTION topup.has_strangers(p_facts topup.fact[])
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fact topup.fact;
BEGIN
    FOREACH v_fact IN ARRAY p_facts LOOP
        IF v_fact.tx_ref IS NULL THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;
