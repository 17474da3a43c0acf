-- find_opened: the top-up that this user opened under this idempotency key, or, without a key,
--           under this tx_ref.
-- Raises:   nothing; returns null when there is none.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      an init that is sent again, by a client or after a lost answer, finds its first run.
CREATE OR REPLACE FUNCTION topup.find_opened(
    p_tx_ref text, p_user_id bigint, p_idempotency_key text
)
RETURNS topup.topups
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT t FROM topup.topups AS t
        WHERE
            t.user_id = p_user_id
            AND (
                t.idempotency_key = p_idempotency_key
                OR t.tx_ref = p_tx_ref AND num_nonnulls(t.idempotency_key, p_idempotency_key) = 0
            )
    );
END
$$;
