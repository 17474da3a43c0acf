-- match_topup: which top-up a PayOS fact belongs to, and by which rule; or why none.
-- Raises:   22xxx when the order code is none, or the amount.
-- Locks:    nothing; an order code never moves to another top-up.
-- Notifies: nothing.
-- Why:      by order code. Only when that is unknown, by a full tx_ref in the description, and
--           then only when it names exactly one waiting top-up of that amount.
CREATE OR REPLACE FUNCTION topup.match_topup(p_data jsonb)
RETURNS TABLE (tx_ref text, note jsonb)
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_order_code CONSTANT bigint := (p_data ->> 'order_code')::bigint;
    v_tx_refs text[];
BEGIN
    IF p_data ? 'unmatchable' THEN
        RETURN QUERY SELECT NULL::text, jsonb_build_object('unmatched', p_data ->> 'unmatchable');
        RETURN;
    END IF;

    RETURN QUERY
    SELECT t.tx_ref, jsonb_build_object('matched_by', 'order_code')
    FROM topup.topups AS t
    WHERE t.order_code = v_order_code;
    IF FOUND THEN
        RETURN;
    END IF;

    v_tx_refs := ARRAY(
        SELECT t.tx_ref
        FROM topup.topups AS t
        WHERE
            t.tx_ref = ANY (
                ARRAY(SELECT jsonb_array_elements_text(p_data -> 'description_tx_refs'))
            )
            AND t.status = 'pending'
            AND t.amount = (p_data ->> 'amount')::bigint
    );
    RETURN QUERY
    SELECT
        CASE WHEN cardinality(v_tx_refs) = 1 THEN v_tx_refs[1] END,
        CASE cardinality(v_tx_refs)
            WHEN 0 THEN jsonb_build_object('unmatched', 'order_code.unknown')
            WHEN 1 THEN jsonb_build_object('matched_by', 'description')
            ELSE jsonb_build_object('unmatched', 'description.ambiguous')
        END;
END
$$;
