-- lock_facts: locks what these facts are judged under: their top-ups and wallets; for a stranger
--           among them, suspense, and the top-ups that have its order code or are in its text.
-- Raises:   22xxx when the order code of a stranger is none.
-- Locks:    see topup.lock_topups.
-- Notifies: nothing.
-- Why:      a transfer without a reference is a stranger, and so is one that PayOS tells of another
--           order under our code. It may be the same as one that its neighbour credits: each has to
--           see the other, and who pays in the usual way does not wait for strangers.
CREATE OR REPLACE FUNCTION topup.lock_facts(p_facts topup.fact[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_tx_refs text[] := ARRAY(SELECT f.tx_ref FROM unnest(p_facts) AS f);
BEGIN
    IF array_position(v_tx_refs, NULL) IS NOT NULL THEN
        v_tx_refs := v_tx_refs || ARRAY(
            SELECT t.tx_ref FROM unnest(p_facts) AS f
            INNER JOIN topup.topups AS t ON t.order_code = (f.data ->> 'order_code')::bigint
            WHERE f.tx_ref IS NULL
            UNION
            SELECT jsonb_array_elements_text(f.data -> 'description_tx_refs')
            FROM unnest(p_facts) AS f
            WHERE f.tx_ref IS NULL
        );
    END IF;
    PERFORM topup.lock_topups(v_tx_refs);
END
$$;
