-- next_order_code: the next order code that no top-up has. Codes that are taken are passed over, a
--           thousand at most: the last one is returned all the same, and its insert is refused.
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      a sequence that was set back, as by a careless restore, gives codes a second time.
CREATE OR REPLACE FUNCTION topup.next_order_code()
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_order_code bigint;
BEGIN
    FOR v_try IN 1..1000 LOOP
        v_order_code := nextval('topup.order_codes');
        EXIT WHEN NOT EXISTS (SELECT FROM topup.topups AS t WHERE t.order_code = v_order_code);
    END LOOP;
    RETURN v_order_code;
END
$$;
