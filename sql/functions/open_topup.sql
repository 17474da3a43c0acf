-- open_topup: records topup.opened under a new order code and returns the top-up. The same
--           idempotency key, or the same tx_ref again, returns the one that is there.
-- Raises:   TU004 the key was used for another request; TU005 the tx_ref belongs to another.
-- Locks:    nothing that others wait for.
-- Notifies: topup:<tx_ref>, through the trigger.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.open_topup(
    p_tx_ref text,
    p_event_id uuid,
    p_user_id bigint,
    p_amount bigint,
    p_expiry_seconds double precision,
    p_idempotency_key text,
    p_idempotency_fingerprint text
)
RETURNS topup.topups
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_topup topup.topups;
BEGIN
    v_topup := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
    IF v_topup.tx_ref IS NULL THEN
        BEGIN
            INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
            VALUES (
                p_event_id, p_tx_ref, 1, 'topup.opened',
                jsonb_build_object(
                    'user_id', p_user_id,
                    'order_code', nextval('topup.order_codes'),
                    'amount', p_amount,
                    'expiry_seconds', p_expiry_seconds,
                    'idempotency_key', p_idempotency_key,
                    'idempotency_fingerprint', p_idempotency_fingerprint
                ),
                clock_timestamp()
            );
        EXCEPTION WHEN unique_violation THEN
            NULL; -- somebody was faster: with this key, or with this tx_ref
        END;
        v_topup := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
    END IF;

    IF v_topup.tx_ref IS NULL THEN
        RAISE EXCEPTION 'this tx_ref belongs to another top-up'
        USING ERRCODE = 'TU005', DETAIL = p_tx_ref;
    END IF;
    IF v_topup.idempotency_fingerprint IS DISTINCT FROM p_idempotency_fingerprint THEN
        RAISE EXCEPTION 'this idempotency key was used for another request'
        USING ERRCODE = 'TU004', DETAIL = v_topup.tx_ref;
    END IF;
    RETURN v_topup;
END
$$;

GRANT EXECUTE ON FUNCTION topup.open_topup(
    text, uuid, bigint, bigint, double precision, text, text
) TO topup_app;
