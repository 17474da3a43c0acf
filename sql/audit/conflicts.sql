-- conflicts: every payment.conflict, what it is in conflict with, and what became of it.
CREATE OR REPLACE VIEW audit.conflicts AS
SELECT
    c.event_id,
    c.tx_ref,
    c.recorded_at,
    r.event_id AS recorded_event_id,
    coalesce(g.tx_ref, r.tx_ref) AS recorded_tx_ref,
    c.data ->> 'reference' AS reference,
    (c.data ->> 'amount')::bigint AS amount,
    (c.data ->> 'order_code')::bigint AS order_code,
    (r.data ->> 'amount')::bigint AS recorded_amount,
    CASE
        WHEN c.data ->> 'held_event_id' <> coalesce(r.data ->> 'held_event_id', '')
            THEN CASE
                WHEN c.data ->> 'reference' = r.data ->> 'reference' THEN 'channel.differs'
                ELSE 'reference.differs'
            END
        WHEN c.data ->> 'order_code' <> r.data ->> 'order_code' THEN 'order_code.differs'
        ELSE 'amount.differs'
    END AS why,
    CASE
        WHEN c.data ->> 'code' <> '00' THEN 'no_money'
        WHEN a.event_id IS NOT NULL THEN 'accepted'
        WHEN h.event_id IS NOT NULL THEN 'recorded'
        ELSE 'open'
    END AS state,
    (c.data ->> 'transaction_at')::timestamptz AS transaction_at,
    clock_timestamp() - c.recorded_at AS age
FROM topup.events AS c
LEFT JOIN topup.events AS r ON r.event_id = (c.data ->> 'conflicts_with')::uuid
LEFT JOIN topup.events AS h ON h.event_id = (c.data ->> 'held_event_id')::uuid
LEFT JOIN topup.events AS a
    ON a.type = 'suspense.assigned' AND (a.data ->> 'conflict_event_id')::uuid = c.event_id
LEFT JOIN topup.events AS g
    ON
        g.type = 'suspense.assigned'
        AND r.event_id
        = coalesce(g.data ->> 'suspense_event_id', g.data ->> 'conflict_event_id')::uuid
WHERE c.type = 'payment.conflict';

COMMENT ON VIEW audit.conflicts IS
'Transfers that were not credited because another one is on record. Without payer data.';
COMMENT ON COLUMN audit.conflicts.event_id IS 'Names the conflict; what is assigned.';
COMMENT ON COLUMN audit.conflicts.tx_ref IS 'The top-up that it would belong to, if any.';
COMMENT ON COLUMN audit.conflicts.reference IS 'Of the transfer, by the bank.';
COMMENT ON COLUMN audit.conflicts.amount IS 'In đồng, not credited.';
COMMENT ON COLUMN audit.conflicts.order_code IS 'The order that PayOS names.';
COMMENT ON COLUMN audit.conflicts.recorded_event_id IS
'The transfer that is on record, or held.';
COMMENT ON COLUMN audit.conflicts.recorded_tx_ref IS
'The top-up of that one, also by assignment; null in suspense.';
COMMENT ON COLUMN audit.conflicts.recorded_amount IS 'The amount of that one, in đồng.';
COMMENT ON COLUMN audit.conflicts.why IS
'reference.differs: held, because the same amount came within a minute under another
reference; channel.differs: held, because it came under another client id. order_code.differs,
amount.differs: the same transfer, recorded or held, told in another way.';
COMMENT ON COLUMN audit.conflicts.state IS
'open; accepted by a person; recorded under its own event id meanwhile; no_money: it failed.';
COMMENT ON COLUMN audit.conflicts.transaction_at IS 'When the bank moved it; null if not told.';
COMMENT ON COLUMN audit.conflicts.recorded_at IS 'When the conflict was recorded.';
COMMENT ON COLUMN audit.conflicts.age IS 'Since recorded_at.';

GRANT SELECT ON audit.conflicts TO topup_auditor, topup_app;
