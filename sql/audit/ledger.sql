-- ledger: every entry of every account.
CREATE OR REPLACE VIEW audit.ledger AS
SELECT
    l.id,
    l.recorded_at,
    l.event_id,
    e.tx_ref,
    l.account,
    l.user_id,
    l.amount,
    l.balance_after,
    (l.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS recorded_on
FROM topup.ledger_entries AS l
LEFT JOIN topup.events AS e ON l.event_id = e.event_id;

COMMENT ON VIEW audit.ledger IS
'Double entry: the entries of one event sum to zero. Rows are added and never changed.';
COMMENT ON COLUMN audit.ledger.id IS
'Grows; may have gaps. Within a wallet, the order of its entries.';
COMMENT ON COLUMN audit.ledger.recorded_at IS 'When the event was recorded.';
COMMENT ON COLUMN audit.ledger.recorded_on IS
'The day of recorded_at in Vietnam (Asia/Ho_Chi_Minh), whatever the TimeZone of the session.';
COMMENT ON COLUMN audit.ledger.event_id IS 'The event that moved the money.';
COMMENT ON COLUMN audit.ledger.tx_ref IS 'The top-up of the event; null in suspense.';
COMMENT ON COLUMN audit.ledger.account IS
'wallet:<user_id> is owed to a user; suspense is owed to somebody not yet known;
payos:clearing is what PayOS took for us.';
COMMENT ON COLUMN audit.ledger.user_id IS 'Whose wallet; null for the other accounts.';
COMMENT ON COLUMN audit.ledger.amount IS 'In đồng; positive is a credit, negative a debit.';
COMMENT ON COLUMN audit.ledger.balance_after IS
'Of the wallet, as recorded then, in đồng; null for the other accounts.';

GRANT SELECT ON audit.ledger TO topup_auditor, topup_app;
