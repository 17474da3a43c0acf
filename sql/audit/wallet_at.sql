-- wallet_at: the balance of a wallet at a moment, in đồng: after the last entry that was recorded
--           by then. Null: there is no such wallet.
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why a door: an auditor may read audit only. Last in the order of the ledger, not of the clock: a
--           clock may be set back, and this is always a balance that the wallet had.
CREATE OR REPLACE FUNCTION audit.wallet_at(p_user_id bigint, p_at timestamptz)
RETURNS bigint
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT coalesce(
        (
            SELECT l.balance_after FROM topup.ledger_entries AS l
            WHERE l.user_id = w.user_id AND l.recorded_at <= p_at
            ORDER BY l.id DESC
            LIMIT 1
        ),
        0
    )
    FROM topup.wallets AS w
    WHERE w.user_id = p_user_id
$$;

COMMENT ON FUNCTION audit.wallet_at(bigint, timestamptz) IS
'The balance of the wallet of a user at a moment, in đồng; null: there is no such wallet.';

GRANT EXECUTE ON FUNCTION audit.wallet_at(bigint, timestamptz) TO topup_auditor, topup_app;
