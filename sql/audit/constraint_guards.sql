-- constraint_guards: the constraints that keep money right, and that all are validated.
CREATE OR REPLACE VIEW audit.constraint_guards AS
WITH tables AS ( -- by name and not as regclass: an auditor may not look into schema topup
    SELECT
        c.oid,
        c.relname AS name
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid AND n.nspname = 'topup'
    WHERE c.relkind IN ('r', 'p')
),

expected (relation, optional, suffixes) AS ( -- optional: columns that may be null
    VALUES
    ('events', ARRAY['seq', 'tx_ref'], 'pkey event_id_key tx_ref_seq_key tx_ref_fkey seq_check '
        || 'type_check seq_within_tx_ref opened_first only_payments_in_suspense '
        || 'money_has_amount'),
    ('ledger_entries', ARRAY['balance_after', 'user_id'], 'pkey event_id_account_key event_id_fkey '
        || 'user_id_fkey amount_check balance_after_check account_name balance_of_wallets'),
    ('wallets', '{}', 'pkey user_id_fkey balance_check'),
    ('topups', NULL, 'pkey order_code_key user_id_idempotency_key_key user_id_fkey '
        || 'amount_check amount_paid_check order_code_check seq_check status_check '
        || 'tx_ref_check'),
    ('event_seals', '{}', 'pkey stream_place_key number_check place_check hash_check'),
    ('checkpoints', '{}', 'pkey number_check streams_check events_check root_check '
        || 'previous_hash_check hash_check')
)

SELECT
    format('constraint %s_%s', e.relation, s.suffix) AS guard,
    (
        SELECT count(*) FROM pg_catalog.pg_constraint AS c
        INNER JOIN tables AS r ON c.conrelid = r.oid AND e.relation = r.name
        WHERE
            c.conname = e.relation || '_' || s.suffix AND c.convalidated
            AND cardinality(c.conkey) > 0 -- not of a CHECK (true)
            AND c.contype = CASE
                WHEN s.suffix = 'pkey' THEN 'p'
                WHEN s.suffix LIKE '%\_fkey' THEN 'f'
                WHEN s.suffix LIKE '%\_key' THEN 'u'
                ELSE 'c'
            END
    ) = 1 AS in_force
FROM expected AS e
CROSS JOIN LATERAL string_to_table(e.suffixes, ' ') AS s (suffix)
UNION ALL
SELECT
    format('required columns of %s', e.relation) AS guard,
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute AS a
        INNER JOIN tables AS r ON a.attrelid = r.oid AND e.relation = r.name
        WHERE
            a.attnum > 0 AND NOT a.attisdropped AND NOT a.attnotnull
            AND array_position(e.optional, a.attname::text) IS NULL
    ) AS in_force
FROM expected AS e
WHERE e.optional IS NOT NULL
UNION ALL
SELECT
    format('every constraint on %s is validated', r.name) AS guard,
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = r.oid AND NOT c.convalidated
    ) AS in_force
FROM tables AS r;

COMMENT ON VIEW audit.constraint_guards IS 'The part of audit.guards that is about constraints.';
COMMENT ON COLUMN audit.constraint_guards.guard IS 'A constraint.';
COMMENT ON COLUMN audit.constraint_guards.in_force IS 'True, always: there, and validated.';

GRANT SELECT ON audit.constraint_guards TO topup_auditor, topup_app;
