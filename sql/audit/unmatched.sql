-- unmatched: transfers for which no top-up was found, and what became of each.
CREATE OR REPLACE VIEW audit.unmatched AS
SELECT
    e.event_id,
    e.recorded_at,
    e.recorded_on,
    e.reference,
    e.amount,
    e.order_code,
    e.unmatched AS why,
    a.tx_ref AS assigned_to,
    a.recorded_at AS assigned_at,
    CASE
        WHEN e.type = 'payment.failed' THEN 'no_money'
        WHEN a.event_id IS NOT NULL THEN 'assigned'
        ELSE 'waiting'
    END AS state
FROM audit.events AS e
LEFT JOIN topup.events AS a
    ON a.type = 'suspense.assigned' AND (a.data ->> 'suspense_event_id')::uuid = e.event_id
WHERE e.tx_ref IS NULL AND e.type IN ('payment.received', 'payment.failed');

COMMENT ON VIEW audit.unmatched IS
'Every transfer that ever went to suspense; audit.suspense has those that wait still.';
COMMENT ON COLUMN audit.unmatched.event_id IS 'Names the transfer.';
COMMENT ON COLUMN audit.unmatched.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN audit.unmatched.recorded_on IS
'The day of recorded_at in Vietnam (Asia/Ho_Chi_Minh), whatever the TimeZone of the session.';
COMMENT ON COLUMN audit.unmatched.reference IS 'Of the transfer, by the bank.';
COMMENT ON COLUMN audit.unmatched.amount IS 'In đồng.';
COMMENT ON COLUMN audit.unmatched.order_code IS 'The order that PayOS names.';
COMMENT ON COLUMN audit.unmatched.why IS 'Why no top-up was found: docs/events.md.';
COMMENT ON COLUMN audit.unmatched.state IS
'waiting: in suspense. assigned: a person said whose it is. no_money: the transaction failed.';
COMMENT ON COLUMN audit.unmatched.assigned_to IS 'The top-up that it was assigned to.';
COMMENT ON COLUMN audit.unmatched.assigned_at IS 'When that was recorded.';

GRANT SELECT ON audit.unmatched TO topup_auditor, topup_app;
