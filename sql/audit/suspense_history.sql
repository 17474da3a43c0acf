-- suspense_history: what persons have credited, from suspense and from conflicts.
CREATE OR REPLACE VIEW audit.suspense_history AS
SELECT
    a.event_id AS assignment_event_id,
    a.tx_ref,
    a.recorded_at AS assigned_at,
    w.event_id,
    w.type,
    w.data ->> 'reference' AS reference,
    (a.data ->> 'amount')::bigint AS amount,
    a.data ->> 'reason' AS reason,
    a.data ->> 'assigned_by' AS assigned_by
FROM topup.events AS a
LEFT JOIN topup.events AS w
    ON w.event_id
    = coalesce(a.data ->> 'suspense_event_id', a.data ->> 'conflict_event_id')::uuid
WHERE a.type = 'suspense.assigned';

COMMENT ON VIEW audit.suspense_history IS 'Who gave which money to which top-up, and why.';
COMMENT ON COLUMN audit.suspense_history.assignment_event_id IS 'The event suspense.assigned.';
COMMENT ON COLUMN audit.suspense_history.event_id IS 'The transfer that waited.';
COMMENT ON COLUMN audit.suspense_history.type IS
'payment.received: it was in suspense. payment.conflict: it was accepted.';
COMMENT ON COLUMN audit.suspense_history.reference IS 'Of the transfer, by the bank.';
COMMENT ON COLUMN audit.suspense_history.amount IS 'In đồng.';
COMMENT ON COLUMN audit.suspense_history.tx_ref IS 'The top-up that it was assigned to.';
COMMENT ON COLUMN audit.suspense_history.reason IS 'Given by the person.';
COMMENT ON COLUMN audit.suspense_history.assigned_by IS
'Given by the person; null before napvi asked for it.';
COMMENT ON COLUMN audit.suspense_history.assigned_at IS 'When it was recorded.';

GRANT SELECT ON audit.suspense_history TO topup_auditor, topup_app;
