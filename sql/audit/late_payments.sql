-- late_payments: money that came after its top-up was closed. It was credited all the same. What
--           closed a late top-up is its first such event: before it there was no money.
CREATE OR REPLACE VIEW audit.late_payments AS
SELECT
    e.event_id,
    e.tx_ref,
    e.seq,
    t.user_id,
    e.recorded_at,
    e.type,
    e.occurred_at,
    c.type AS closed_by,
    c.recorded_at AS closed_at,
    (e.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS recorded_on,
    (e.data ->> 'amount')::bigint AS amount,
    e.data ->> 'reference' AS reference,
    e.recorded_at - c.recorded_at AS lateness
FROM topup.topups AS t
INNER JOIN topup.events AS e
    ON t.tx_ref = e.tx_ref AND e.type IN ('payment.received', 'suspense.assigned')
INNER JOIN LATERAL (
    SELECT
x.seq,
x.type,
x.recorded_at
FROM topup.events AS x
    WHERE
        x.tx_ref = t.tx_ref
        AND x.type IN ('topup.cancelled', 'topup.expired', 'payment.failed')
    ORDER BY x.seq
    LIMIT 1
) AS c ON e.seq > c.seq
WHERE t.late;

COMMENT ON VIEW audit.late_payments IS
'Transfers and assignments to top-ups that had failed, expired or been cancelled.';
COMMENT ON COLUMN audit.late_payments.event_id IS 'The event that brought the money.';
COMMENT ON COLUMN audit.late_payments.tx_ref IS 'The top-up.';
COMMENT ON COLUMN audit.late_payments.seq IS 'Of the event within the top-up.';
COMMENT ON COLUMN audit.late_payments.user_id IS 'Whose wallet was credited.';
COMMENT ON COLUMN audit.late_payments.recorded_at IS 'When the money was recorded.';
COMMENT ON COLUMN audit.late_payments.recorded_on IS
'The day of recorded_at in Vietnam (Asia/Ho_Chi_Minh), whatever the TimeZone of the session.';
COMMENT ON COLUMN audit.late_payments.type IS 'payment.received or suspense.assigned.';
COMMENT ON COLUMN audit.late_payments.amount IS 'In đồng.';
COMMENT ON COLUMN audit.late_payments.reference IS 'Of the transfer, by the bank.';
COMMENT ON COLUMN audit.late_payments.occurred_at IS 'When the bank moved it, or it was assigned.';
COMMENT ON COLUMN audit.late_payments.closed_by IS 'The event that had closed the top-up.';
COMMENT ON COLUMN audit.late_payments.closed_at IS 'When that was recorded.';
COMMENT ON COLUMN audit.late_payments.lateness IS 'recorded_at - closed_at.';

GRANT SELECT ON audit.late_payments TO topup_auditor, topup_app;
