-- webhook_timeline: of everything that PayOS told about a transfer, when the bank moved it, when
--           we heard of it, and when it was recorded.
CREATE OR REPLACE VIEW audit.webhook_timeline AS
SELECT
    e.event_id,
    e.tx_ref,
    e.seq,
    e.type,
    e.reference,
    e.amount,
    e.told_by,
    e.occurred_at,
    b.received_at,
    e.recorded_at,
    e.recorded_on,
    e.recorded_at - e.occurred_at AS delay,
    l.event_id IS NOT NULL AS late
FROM audit.events AS e
LEFT JOIN topup.payos_bodies AS b
    ON b.body_sha256 = CASE WHEN e.data ->> 'body_sha256' ~ '^[0-9a-f]{64}$'
        THEN decode(e.data ->> 'body_sha256', 'hex')
    END
LEFT JOIN audit.late_payments AS l ON e.event_id = l.event_id
WHERE e.type IN ('payment.received', 'payment.failed', 'payment.conflict');

COMMENT ON VIEW audit.webhook_timeline IS
'When a transfer was made, told and recorded. The same webhook again leaves no row.';
COMMENT ON COLUMN audit.webhook_timeline.event_id IS 'Names the event.';
COMMENT ON COLUMN audit.webhook_timeline.tx_ref IS 'The top-up; null in suspense.';
COMMENT ON COLUMN audit.webhook_timeline.seq IS 'Of the event within the top-up.';
COMMENT ON COLUMN audit.webhook_timeline.type IS
'payment.received: money. payment.failed: none. payment.conflict: not credited.';
COMMENT ON COLUMN audit.webhook_timeline.reference IS 'Of the transfer, by the bank.';
COMMENT ON COLUMN audit.webhook_timeline.amount IS 'In đồng.';
COMMENT ON COLUMN audit.webhook_timeline.told_by IS
'payos.webhook: PayOS told of it. payos.get: its webhook did not come in time; PayOS was asked.';
COMMENT ON COLUMN audit.webhook_timeline.occurred_at IS
'When the bank moved it, as PayOS says; when we heard of it, where PayOS gave no time.';
COMMENT ON COLUMN audit.webhook_timeline.received_at IS
'First delivery of the webhook; null: PayOS was asked, or the raw webhook is no longer kept.';
COMMENT ON COLUMN audit.webhook_timeline.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN audit.webhook_timeline.recorded_on IS
'The day of recorded_at in Vietnam (Asia/Ho_Chi_Minh), whatever the TimeZone of the session.';
COMMENT ON COLUMN audit.webhook_timeline.delay IS 'recorded_at - occurred_at.';
COMMENT ON COLUMN audit.webhook_timeline.late IS 'Its top-up had been closed before.';

GRANT SELECT ON audit.webhook_timeline TO topup_auditor, topup_app;
