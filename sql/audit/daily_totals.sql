-- daily_totals: what happened on each day in Vietnam; a day without events has no row.
CREATE OR REPLACE VIEW audit.daily_totals AS
SELECT
    d.day,
    count(*) FILTER (WHERE d.type = 'topup.opened') AS opened,
    count(*) FILTER (WHERE d.confirms) AS confirmed,
    count(*) FILTER (WHERE d.type = 'payment.received') AS transfers,
    coalesce(-sum(d.amount) FILTER (WHERE d.account = 'payos:clearing'), 0)::bigint AS received_vnd,
    coalesce(sum(d.amount) FILTER (WHERE d.account LIKE 'wallet:%'), 0)::bigint AS credited_vnd,
    coalesce(
        sum(d.amount) FILTER (WHERE d.account = 'suspense' AND d.amount > 0), 0
    )::bigint AS to_suspense_vnd,
    coalesce(
        -sum(d.amount) FILTER (WHERE d.account = 'suspense' AND d.amount < 0), 0
    )::bigint AS from_suspense_vnd,
    count(*) FILTER (WHERE d.type = 'suspense.assigned') AS assigned,
    count(*) FILTER (WHERE d.type = 'payment.conflict') AS conflicts,
    count(*) FILTER (WHERE d.type = 'payment.failed') AS failed
FROM (
    SELECT
        (e.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
        e.type,
        e.type IN ('payment.received', 'suspense.assigned')
        AND e.recorded_at = t.confirmed_at AS confirms,
        NULL AS account,
        NULL::bigint AS amount
    FROM topup.events AS e
    LEFT JOIN topup.topups AS t ON e.tx_ref = t.tx_ref
    UNION ALL
    SELECT
        (l.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
        NULL AS type,
        NULL AS confirms,
        l.account,
        l.amount
    FROM topup.ledger_entries AS l
) AS d
GROUP BY d.day;

COMMENT ON VIEW audit.daily_totals IS
'For each day: received_vnd + from_suspense_vnd = credited_vnd + to_suspense_vnd.';
COMMENT ON COLUMN audit.daily_totals.day IS
'The day of recording in Vietnam (Asia/Ho_Chi_Minh), whatever the TimeZone of the session.';
COMMENT ON COLUMN audit.daily_totals.opened IS 'Top-ups that were opened.';
COMMENT ON COLUMN audit.daily_totals.confirmed IS 'Top-ups whose money reached the amount.';
COMMENT ON COLUMN audit.daily_totals.transfers IS 'Transfers that were recorded as money.';
COMMENT ON COLUMN audit.daily_totals.received_vnd IS
'What came in, in đồng: transfers, and conflicts that a person accepted.';
COMMENT ON COLUMN audit.daily_totals.credited_vnd IS 'Into wallets, from wherever, in đồng.';
COMMENT ON COLUMN audit.daily_totals.to_suspense_vnd IS 'Into suspense, in đồng.';
COMMENT ON COLUMN audit.daily_totals.from_suspense_vnd IS 'Out of suspense, in đồng.';
COMMENT ON COLUMN audit.daily_totals.assigned IS 'Assignments, by persons.';
COMMENT ON COLUMN audit.daily_totals.conflicts IS 'Transfers that were not credited: conflicts.';
COMMENT ON COLUMN audit.daily_totals.failed IS 'Transactions that brought no money.';

GRANT SELECT ON audit.daily_totals TO topup_auditor, topup_app;
