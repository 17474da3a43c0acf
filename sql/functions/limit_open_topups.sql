-- limit_open_topups: refuses the user another top-up while p_open_max of them wait for money:
--           pending or underpaid, and in time.
-- Raises:   TU012 with the seconds until the first of them is out of time.
-- Locks:    expects that of the user's wallet.
-- Notifies: nothing.
-- Why:      each is an order at PayOS, and a code that somebody might pay.
CREATE OR REPLACE FUNCTION topup.limit_open_topups(p_user_id bigint, p_open_max integer)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_now CONSTANT timestamptz := clock_timestamp();
    v_expiries timestamptz[] := ARRAY(
        SELECT t.expires_at FROM topup.topups AS t
        WHERE
            t.user_id = p_user_id
            AND t.status IN ('pending', 'underpaid')
            AND t.expires_at > v_now
        ORDER BY t.expires_at
    );
BEGIN
    IF cardinality(v_expiries) >= p_open_max THEN
        RAISE EXCEPTION 'this user has too many open top-ups'
        USING
            ERRCODE = 'TU012',
            DETAIL = ceil(extract(EPOCH FROM v_expiries[1] - v_now))::text;
    END IF;
END
$$;
