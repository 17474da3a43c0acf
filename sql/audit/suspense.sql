-- suspense: transfers that belong to no top-up and that nobody has assigned yet.
CREATE OR REPLACE VIEW audit.suspense AS
SELECT
    e.event_id,
    e.recorded_at,
    e.data ->> 'reference' AS reference,
    (e.data ->> 'amount')::bigint AS amount,
    (e.data ->> 'order_code')::bigint AS order_code,
    e.data ->> 'payment_link_id' AS payment_link_id,
    e.data ->> 'unmatched' AS why,
    (e.data ->> 'transaction_at')::timestamptz AS transaction_at,
    clock_timestamp() - e.recorded_at AS age,
    (
        SELECT coalesce(array_agg(n.tx_ref ORDER BY n.tx_ref), '{}')
        FROM (
            SELECT t.tx_ref FROM topup.topups AS t
            WHERE t.tx_ref IN (SELECT jsonb_array_elements_text(e.data -> 'description_tx_refs'))
            UNION
            SELECT t.tx_ref FROM topup.topups AS t
            WHERE t.order_code = (e.data ->> 'order_code')::bigint
        ) AS n
    ) AS candidates
FROM topup.events AS e
WHERE
    e.type = 'payment.received'
    AND e.tx_ref IS NULL
    AND NOT EXISTS (
        SELECT FROM topup.events AS a
        WHERE
            a.type = 'suspense.assigned'
            AND (a.data ->> 'suspense_event_id')::uuid = e.event_id
    );

COMMENT ON VIEW audit.suspense IS
'Money in suspense, without payer data. python -m app suspense assign gives it to a wallet.';
COMMENT ON COLUMN audit.suspense.event_id IS 'Names the transfer; what is assigned.';
COMMENT ON COLUMN audit.suspense.reference IS 'Of the transfer, by the bank.';
COMMENT ON COLUMN audit.suspense.amount IS 'In đồng.';
COMMENT ON COLUMN audit.suspense.order_code IS 'The order that PayOS names.';
COMMENT ON COLUMN audit.suspense.payment_link_id IS 'The link that was paid through.';
COMMENT ON COLUMN audit.suspense.why IS 'Why no top-up was found: docs/events.md.';
COMMENT ON COLUMN audit.suspense.transaction_at IS 'When the bank moved it; null if not told.';
COMMENT ON COLUMN audit.suspense.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN audit.suspense.age IS 'Since recorded_at.';
COMMENT ON COLUMN audit.suspense.candidates IS
'The top-ups that the description of the transfer or its order code names.';

GRANT SELECT ON audit.suspense TO topup_auditor, topup_app;
