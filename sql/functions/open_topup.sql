-- open_topup: records topup.opened under a new order code and returns the top-up. The same
--           idempotency key, or the same tx_ref again, returns the one that is there. It claims the
--           making of the payment link, until there is one.
-- Raises:   TU004 the key was used for another request; TU005 the tx_ref belongs to another, or the
--           next thousand order codes do;
--           TU012 too many are open; TU013 another request under the key is in flight.
-- Locks:    the wallet, if there is a top-up to open: parallel requests cannot pass the limit.
-- Notifies: topup:<tx_ref>, through the trigger.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.open_topup(
    p_tx_ref text,
    p_request_id uuid,
    p_user_id bigint,
    p_amount bigint,
    p_expiry_seconds double precision,
    p_open_max integer,
    p_idempotency_key text,
    p_idempotency_fingerprint text,
    p_claim_seconds double precision
)
RETURNS topup.topups
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- to plan anew costs more than to run
SET enable_seqscan = off -- a plan made while the tables were small shall do for large ones
AS $$
DECLARE
    v_topup topup.topups := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
BEGIN
    IF v_topup.tx_ref IS NULL THEN
        PERFORM 1 FROM topup.wallets AS w WHERE w.user_id = p_user_id FOR NO KEY UPDATE;
        v_topup := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
    END IF;
    IF v_topup.tx_ref IS NULL THEN
        PERFORM topup.limit_open_topups(p_user_id, p_open_max);
        INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
        VALUES (
            p_request_id, p_tx_ref, 1, 'topup.opened',
            jsonb_build_object(
                'user_id', p_user_id,
                'order_code', topup.next_order_code(),
                'amount', p_amount,
                'expiry_seconds', p_expiry_seconds,
                'idempotency_key', p_idempotency_key,
                'idempotency_fingerprint', p_idempotency_fingerprint
            ),
            clock_timestamp()
        );
        v_topup := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
    END IF;

    IF v_topup.idempotency_fingerprint IS DISTINCT FROM p_idempotency_fingerprint THEN
        RAISE EXCEPTION 'this idempotency key was used for another request'
        USING ERRCODE = 'TU004', DETAIL = v_topup.tx_ref;
    END IF;
    IF v_topup.checkout_url IS NULL THEN
        PERFORM topup.claim_link(v_topup.tx_ref, p_request_id, p_claim_seconds);
    END IF;
    RETURN v_topup;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'this tx_ref belongs to another top-up'
    USING ERRCODE = 'TU005', DETAIL = p_tx_ref;
END
$$;

GRANT EXECUTE ON FUNCTION topup.open_topup(
    text, uuid, bigint, bigint, double precision, integer, text, text, double precision
) TO topup_app;
