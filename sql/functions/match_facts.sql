-- match_facts: the facts of a batch, each with its top-up where one is found.
-- Raises:   22xxx when the order code of a fact without top-up is none, or the amount.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      the batch has to know which top-ups to lock; the rule used is noted in the data.
CREATE OR REPLACE FUNCTION topup.match_facts(p_facts topup.fact[])
RETURNS topup.fact[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts topup.fact[] := ARRAY[]::topup.fact[];
    v_fact topup.fact;
BEGIN
    FOREACH v_fact IN ARRAY p_facts LOOP
        v_facts := v_facts || topup.match_fact(v_fact);
    END LOOP;
    RETURN v_facts;
END
$$;
