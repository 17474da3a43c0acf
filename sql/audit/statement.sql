-- statement: the entries of each wallet; ask with WHERE user_id = … ORDER BY entry_id.
CREATE OR REPLACE VIEW audit.statement AS
SELECT
    l.user_id,
    l.id AS entry_id,
    l.recorded_at,
    l.amount,
    l.balance_after,
    e.tx_ref,
    e.seq,
    e.type,
    l.event_id,
    (l.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS recorded_on,
    (sum(l.amount) OVER (PARTITION BY l.user_id ORDER BY l.id))::bigint AS balance,
    coalesce(e.data ->> 'reference', w.data ->> 'reference') AS reference,
    CASE e.type
        WHEN 'suspense.assigned'
            THEN concat_ws(': ', 'assigned by ' || (e.data ->> 'assigned_by'), e.data ->> 'reason')
        ELSE 'matched by ' || (e.data ->> 'matched_by')
    END AS why
FROM topup.ledger_entries AS l
INNER JOIN topup.events AS e ON l.event_id = e.event_id
LEFT JOIN topup.events AS w
    ON w.event_id
    = coalesce(e.data ->> 'suspense_event_id', e.data ->> 'conflict_event_id')::uuid
WHERE l.user_id IS NOT NULL;

COMMENT ON VIEW audit.statement IS
'Statements of the wallets. Ask for one user_id, in the order of entry_id.';
COMMENT ON COLUMN audit.statement.user_id IS 'Whose wallet.';
COMMENT ON COLUMN audit.statement.entry_id IS 'Of the ledger; the order within the wallet.';
COMMENT ON COLUMN audit.statement.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN audit.statement.recorded_on IS
'The day of recorded_at in Vietnam (Asia/Ho_Chi_Minh), whatever the TimeZone of the session.';
COMMENT ON COLUMN audit.statement.amount IS 'In đồng; positive into the wallet.';
COMMENT ON COLUMN audit.statement.balance IS
'The sum of the amounts so far, added up now, in đồng.';
COMMENT ON COLUMN audit.statement.balance_after IS 'The balance that was recorded then, in đồng.';
COMMENT ON COLUMN audit.statement.tx_ref IS 'The top-up.';
COMMENT ON COLUMN audit.statement.seq IS 'Of the event within the top-up.';
COMMENT ON COLUMN audit.statement.type IS
'payment.received: a transfer. suspense.assigned: a person said whose the money is.';
COMMENT ON COLUMN audit.statement.reference IS
'Of the transfer, by the bank; of an assignment, that of the transfer that waited.';
COMMENT ON COLUMN audit.statement.why IS
'By what rule, or by whom and why, it came to this wallet.';
COMMENT ON COLUMN audit.statement.event_id IS 'The event that moved the money.';

GRANT SELECT ON audit.statement TO topup_auditor, topup_app;
