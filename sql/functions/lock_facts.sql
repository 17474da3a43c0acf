-- lock_facts: locks what these facts are judged under: their top-ups and wallets; suspense, for a
--           stranger among them, and for a transfer that an answer of PayOS told.
-- Raises:   nothing.
-- Locks:    see topup.lock_topups.
-- Notifies: nothing.
-- Why:      a webhook without a reference is a stranger, and may be the same transfer as the
--           answer's: each has to see the other.
CREATE OR REPLACE FUNCTION topup.lock_facts(p_facts topup.fact[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM topup.lock_topups(ARRAY(
        SELECT f.tx_ref FROM unnest(p_facts) AS f
        UNION
        SELECT NULL FROM unnest(p_facts) AS f
        WHERE f.type = 'payment.received' AND f.data ->> 'source' = 'payos.get'
    ));
END
$$;
