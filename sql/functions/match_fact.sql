-- match_fact: a fact with the top-up it belongs to, and by which rule; or with the reason why none.
--           What names its top-up stays as it is.
-- Raises:   22xxx when the order code is none, or the amount.
-- Locks:    nothing; an order code never moves to another top-up.
-- Notifies: nothing.
-- Why:      by order code. Only when that is unknown, by a full tx_ref in the description, and
--           then only when it names exactly one waiting top-up of that amount.
CREATE OR REPLACE FUNCTION topup.match_fact(p_fact topup.fact)
RETURNS topup.fact
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fact topup.fact := p_fact;
    v_data CONSTANT jsonb := p_fact.data;
    v_order_code CONSTANT bigint :=
        CASE WHEN p_fact.tx_ref IS NULL THEN (p_fact.data ->> 'order_code')::bigint END;
    v_tx_refs text[];
BEGIN
    IF p_fact.tx_ref IS NOT NULL THEN
        RETURN p_fact;
    ELSIF v_data ? 'unmatchable' THEN
        v_fact.data := v_data || jsonb_build_object('unmatched', v_data ->> 'unmatchable');
        RETURN v_fact;
    END IF;

    v_fact.tx_ref := (SELECT t.tx_ref FROM topup.topups AS t WHERE t.order_code = v_order_code);
    IF v_fact.tx_ref IS NOT NULL THEN
        v_fact.data := v_data || '{"matched_by": "order_code"}';
        RETURN v_fact;
    END IF;

    v_tx_refs := ARRAY(
        SELECT t.tx_ref
        FROM topup.topups AS t
        WHERE
            t.tx_ref = ANY (
                ARRAY(SELECT jsonb_array_elements_text(v_data -> 'description_tx_refs'))
            )
            AND t.status = 'pending'
            AND t.amount = (v_data ->> 'amount')::bigint
    );
    IF cardinality(v_tx_refs) = 1 THEN
        v_fact.tx_ref := v_tx_refs[1];
        v_fact.data := v_data || '{"matched_by": "description"}';
    ELSIF cardinality(v_tx_refs) = 0 THEN
        v_fact.data := v_data || '{"unmatched": "order_code.unknown"}';
    ELSE
        v_fact.data := v_data || '{"unmatched": "description.ambiguous"}';
    END IF;
    RETURN v_fact;
END
$$;
