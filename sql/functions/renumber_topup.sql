-- renumber_topup: records topup.renumbered with the next order code, for PayOS has another order
--           under p_taken_order_code; returns the top-up. It stays as it is when it has another
--           code by now, when there is a payment link, or when it waits for money no more.
-- Raises:   TU002 there is no such top-up; TU019 not READ COMMITTED; 23505 the next thousand codes
--           are taken.
-- Locks:    the top-up, then its wallet, the new event.
-- Notifies: topup:<tx_ref>, through the trigger.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.renumber_topup(p_tx_ref text, p_taken_order_code bigint)
RETURNS topup.topups
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_topup topup.topups;
BEGIN
    PERFORM topup.lock_topups(ARRAY[p_tx_ref]);
    v_topup := (SELECT t FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref);
    IF v_topup.tx_ref IS NULL THEN
        RAISE EXCEPTION 'there is no such top-up' USING ERRCODE = 'TU002', DETAIL = p_tx_ref;
    END IF;
    IF
        v_topup.order_code = p_taken_order_code
        AND v_topup.payment_link_id IS NULL
        AND v_topup.status = 'pending'
    THEN
        INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
        VALUES (
            topup.derived_event_id(
                concat_ws('/', 'topup.renumbered', p_tx_ref, p_taken_order_code)
            ),
            p_tx_ref, v_topup.seq + 1, 'topup.renumbered',
            jsonb_build_object('order_code', topup.next_order_code()),
            clock_timestamp()
        );
        v_topup := (SELECT t FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref);
    END IF;
    RETURN v_topup;
END
$$;

GRANT EXECUTE ON FUNCTION topup.renumber_topup(text, bigint) TO topup_app;
