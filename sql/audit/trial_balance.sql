-- trial_balance: debit, credit and balance of every account; over all accounts, the balances sum
--           to zero.
CREATE OR REPLACE VIEW audit.trial_balance AS
SELECT
    s.account,
    s.user_id,
    s.entries,
    s.debit,
    s.credit,
    w.balance AS wallet_balance,
    s.credit - s.debit AS balance
FROM (
    SELECT
        l.account,
        l.user_id,
        count(*) AS entries,
        coalesce(-sum(l.amount) FILTER (WHERE l.amount < 0), 0)::bigint AS debit,
        coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0)::bigint AS credit
    FROM topup.ledger_entries AS l
    GROUP BY l.account, l.user_id
) AS s
LEFT JOIN topup.wallets AS w ON s.user_id = w.user_id;

COMMENT ON VIEW audit.trial_balance IS
'Added up from the ledger now. The sum of balance is 0, and debit equals credit.';
COMMENT ON COLUMN audit.trial_balance.account IS
'wallet:<user_id> is owed to a user; suspense is owed to somebody not yet known;
payos:clearing is what PayOS took for us.';
COMMENT ON COLUMN audit.trial_balance.user_id IS 'Whose wallet; null for the other accounts.';
COMMENT ON COLUMN audit.trial_balance.entries IS 'How many entries the account has.';
COMMENT ON COLUMN audit.trial_balance.debit IS 'Sum of its debits, in đồng, not negative.';
COMMENT ON COLUMN audit.trial_balance.credit IS 'Sum of its credits, in đồng, not negative.';
COMMENT ON COLUMN audit.trial_balance.balance IS
'credit - debit, in đồng; negative for payos:clearing, which is an asset.';
COMMENT ON COLUMN audit.trial_balance.wallet_balance IS
'What the wallet itself says, in đồng: equals balance. Null for the other accounts.';

GRANT SELECT ON audit.trial_balance TO topup_auditor, topup_app;
