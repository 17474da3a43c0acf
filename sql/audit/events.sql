-- events: the log, with what its types have in common as columns.
CREATE OR REPLACE VIEW audit.events AS
SELECT
    e.id,
    e.event_id,
    e.recorded_at,
    e.occurred_at,
    e.tx_ref,
    e.seq,
    e.type,
    t.user_id,
    e.data,
    (e.recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS recorded_on,
    -- Whatever was recorded, the log has to stay readable: what is no number is in data. The locale
    -- of the database may know more digits, so not \d.
    CASE WHEN e.data ->> 'amount' ~ '^[0-9]{1,16}$'
        THEN (e.data ->> 'amount')::bigint
    END AS amount,
    CASE WHEN e.data ->> 'order_code' ~ '^[0-9]{1,16}$'
        THEN (e.data ->> 'order_code')::bigint
    END AS order_code,
    e.data ->> 'reference' AS reference,
    e.data ->> 'matched_by' AS matched_by,
    e.data ->> 'unmatched' AS unmatched,
    CASE
        WHEN e.data ->> 'source' IS NOT NULL THEN e.data ->> 'source'
        WHEN e.data ? 'body_sha256' THEN 'payos.webhook'
    END AS told_by,
    e.data ->> 'reason' AS reason,
    e.data ->> 'assigned_by' AS assigned_by
FROM topup.events AS e
LEFT JOIN topup.topups AS t ON e.tx_ref = t.tx_ref;

COMMENT ON VIEW audit.events IS
'Everything that happened, in the order of id. Rows are added and never changed. No payer data.';
COMMENT ON COLUMN audit.events.id IS
'Grows; may have gaps. Its order is not that of commits: export with audit.export_horizon().';
COMMENT ON COLUMN audit.events.event_id IS 'Names the fact, so that it is recorded once.';
COMMENT ON COLUMN audit.events.recorded_at IS 'When it was recorded, by the clock of the database.';
COMMENT ON COLUMN audit.events.recorded_on IS
'The day of recorded_at in Vietnam (Asia/Ho_Chi_Minh), whatever the TimeZone of the session.';
COMMENT ON COLUMN audit.events.occurred_at IS
'When it happened, by the clock of its source; of a transfer, that of the bank.';
COMMENT ON COLUMN audit.events.tx_ref IS 'The top-up; null: it could not be told whose it is.';
COMMENT ON COLUMN audit.events.seq IS '1, 2, 3 … within the top-up, without gap.';
COMMENT ON COLUMN audit.events.type IS 'What happened: docs/events.md lists the types.';
COMMENT ON COLUMN audit.events.user_id IS 'Whose top-up.';
COMMENT ON COLUMN audit.events.amount IS
'In đồng: asked for by topup.opened; brought by a transfer; given by suspense.assigned.';
COMMENT ON COLUMN audit.events.order_code IS 'The order at PayOS that the event names.';
COMMENT ON COLUMN audit.events.reference IS 'Of the transfer, by the bank.';
COMMENT ON COLUMN audit.events.matched_by IS 'How the top-up of a transfer was found.';
COMMENT ON COLUMN audit.events.unmatched IS 'Why none was found.';
COMMENT ON COLUMN audit.events.told_by IS
'payos.webhook: PayOS told of it. payos.get: PayOS was asked. Null: it did not come from PayOS.';
COMMENT ON COLUMN audit.events.reason IS 'Of suspense.assigned: why, in the words of the person.';
COMMENT ON COLUMN audit.events.assigned_by IS 'Of suspense.assigned: the person.';
COMMENT ON COLUMN audit.events.data IS 'All facts of the event as they were recorded.';

GRANT SELECT ON audit.events TO topup_auditor, topup_app;
