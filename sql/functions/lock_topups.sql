-- lock_topups: locks these top-ups in tx_ref order, then their wallets in user order; for a null
--           among them, the suspense account.
-- Raises:   TU019 not READ COMMITTED: an older snapshot would miss what it waited for. Nothing
--           else; an unknown tx_ref locks nothing.
-- Locks:    rows of topups and wallets, then one advisory lock, until the transaction ends.
-- Notifies: nothing.
-- Why:      seqs and balances are allocated under these locks; any other order deadlocked.
CREATE OR REPLACE FUNCTION topup.lock_topups(p_tx_refs text[])
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_isolation CONSTANT text := current_setting('transaction_isolation');
    v_users bigint[];
BEGIN
    IF v_isolation <> 'read committed' THEN
        RAISE EXCEPTION 'top-ups are locked in READ COMMITTED'
        USING ERRCODE = 'TU019', DETAIL = v_isolation;
    END IF;
    v_users := ARRAY(
        SELECT l.user_id
        FROM (
            SELECT t.user_id FROM topup.topups AS t
            WHERE t.tx_ref = ANY (p_tx_refs)
            ORDER BY t.tx_ref
            FOR NO KEY UPDATE
        ) AS l
    );

    PERFORM 1 FROM topup.wallets AS w
    WHERE w.user_id = ANY (v_users)
    ORDER BY w.user_id
    FOR NO KEY UPDATE;

    -- Without it, two batches with the same strangers would wait for each other's event ids.
    IF array_position(p_tx_refs, NULL) IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('topup.suspense', 0));
    END IF;
END
$$;
