-- tx_refs_to_lock: under which top-ups these facts are judged; for a stranger among them, null for
--           suspense, and the top-ups that have its order code or are in its text.
-- Raises:   22xxx when the order code of a stranger is none.
-- Locks:    nothing; topup.lock_topups does.
-- Notifies: nothing.
-- Why:      a transfer without a reference is a stranger, and so is one that PayOS tells of another
--           order under our code. It may be the same as one that its neighbour credits: each has to
--           see the other, and who pays in the usual way does not wait for strangers.
CREATE OR REPLACE FUNCTION topup.tx_refs_to_lock(p_facts topup.fact[])
RETURNS text[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tx_refs text[] := ARRAY[]::text[];
    v_fact topup.fact;
BEGIN
    FOREACH v_fact IN ARRAY p_facts LOOP
        v_tx_refs := v_tx_refs || v_fact.tx_ref;
    END LOOP;
    IF NOT topup.has_strangers(p_facts) THEN
        RETURN v_tx_refs;
    END IF;
    RETURN v_tx_refs || ARRAY(
        SELECT t.tx_ref FROM unnest(p_facts) AS f
        INNER JOIN topup.topups AS t ON t.order_code = (f.data ->> 'order_code')::bigint
        WHERE f.tx_ref IS NULL
        UNION
        SELECT jsonb_array_elements_text(f.data -> 'description_tx_refs')
        FROM unnest(p_facts) AS f
        WHERE f.tx_ref IS NULL
    );
END
$$;
