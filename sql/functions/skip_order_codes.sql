-- skip_order_codes: from now on every order code is greater than p_past; codes that are there
--           already are never given again.
-- Raises:   TU026 that is more than ten million codes ahead.
-- Locks:    one advisory lock, until the commit.
-- Notifies: nothing.
-- Why a door: after an older dump was restored, PayOS has orders under the next codes, of top-ups
--           that this database has forgotten. None of them may be taken for a new one.
CREATE OR REPLACE FUNCTION topup.skip_order_codes(p_past bigint)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_last bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('topup.order_codes', 0));
    v_last := (SELECT s.last_value FROM topup.order_codes AS s);
    IF p_past > v_last + 10000000 THEN
        RAISE EXCEPTION 'so many order codes are not skipped'
        USING ERRCODE = 'TU026', DETAIL = p_past::text;
    ELSIF p_past > v_last THEN
        PERFORM setval('topup.order_codes', p_past);
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION topup.skip_order_codes(bigint) TO topup_app;
