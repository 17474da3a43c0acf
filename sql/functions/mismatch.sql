-- mismatch: why a fact that was matched to this top-up does not belong to it after all, as in the
--           member "unmatched" of the data; null when it does.
-- Raises:   nothing.
-- Locks:    expects those of topup.lock_topups.
-- Notifies: nothing.
-- Why:      it was matched before the locks: meanwhile the top-up may have got its payment link,
--           another order code, or other money.
CREATE OR REPLACE FUNCTION topup.mismatch(p_data jsonb, p_topup topup.topups)
RETURNS text
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE p_data ->> 'matched_by'
        WHEN 'order_code' THEN
            CASE
                WHEN p_data ->> 'payment_link_id' <> p_topup.payment_link_id
                    THEN 'payment_link_id.foreign'
                WHEN (p_data ->> 'order_code')::bigint <> p_topup.order_code
                    THEN 'order_code.unknown'
            END
        WHEN 'description' THEN
            CASE WHEN p_topup.status <> 'pending' THEN 'order_code.unknown' END
    END;
END
$$;
