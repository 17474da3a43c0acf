-- is_same_money: whether two tellings of a transfer are of the same amount for the same order; true
--           where one of them is missing.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      another time, text or source is the same transfer; other money has to be looked at.
CREATE OR REPLACE FUNCTION topup.is_same_money(p_data jsonb, p_other jsonb)
RETURNS boolean
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN p_data IS NULL OR p_other IS NULL OR (
        p_data ->> 'amount' IS NOT DISTINCT FROM p_other ->> 'amount'
        AND p_data ->> 'order_code' IS NOT DISTINCT FROM p_other ->> 'order_code'
    );
END
$$;
