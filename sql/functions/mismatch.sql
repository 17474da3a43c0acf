-- mismatch: why a fact that was matched to this top-up does not belong to it after all, as in the
--           member "unmatched" of the data; null when it does.
-- Raises:   nothing.
-- Locks:    expects those of topup.lock_topups.
-- Notifies: nothing.
-- Why:      it was matched before the locks: meanwhile the top-up may have got its payment link,
--           another order code, or other money. And while it has no link, the order code may be
--           another installation's: then its text names a tx_ref that is unknown here; or it names
--           none, and the amount is another. Of an answer by GET, whose order was compared before,
--           a part of the amount is believed.
CREATE OR REPLACE FUNCTION topup.mismatch(p_data jsonb, p_topup topup.topups)
RETURNS text
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF p_data ->> 'matched_by' = 'description' THEN
        RETURN CASE WHEN p_topup.status <> 'pending' THEN 'order_code.unknown' END;
    ELSIF p_data ->> 'matched_by' IS DISTINCT FROM 'order_code' THEN
        RETURN NULL;
    ELSIF p_data ->> 'payment_link_id' <> p_topup.payment_link_id THEN
        RETURN 'payment_link_id.foreign';
    ELSIF (p_data ->> 'order_code')::bigint <> p_topup.order_code THEN
        RETURN 'order_code.unknown';
    ELSIF
        p_topup.payment_link_id IS NULL
        AND (
            jsonb_array_length(p_data -> 'description_tx_refs') > 0
            OR p_data ? 'description_tx_refs'
            AND p_data ->> 'source' IS DISTINCT FROM 'payos.get'
            AND (p_data ->> 'amount')::bigint <> p_topup.amount
        )
    THEN
        IF NOT EXISTS (
            SELECT FROM topup.topups AS t
            WHERE t.tx_ref = ANY (
                ARRAY(SELECT jsonb_array_elements_text(p_data -> 'description_tx_refs'))
            )
        ) THEN
            RETURN 'payment_link_id.foreign';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
