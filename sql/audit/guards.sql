-- guards: what keeps the log and the ledger as they are, and whether it is in force.
CREATE OR REPLACE VIEW audit.guards AS
WITH tables AS ( -- by name and not as regclass: an auditor may not look into schema topup
    SELECT
        c.oid,
        c.relname AS name
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid AND n.nspname = 'topup'
)

SELECT
    format('trigger %s on %s', e.name, e.relation) AS guard,
    coalesce(t.tgenabled IN ('O', 'A'), false) AS in_force
FROM (
    VALUES
    ('events', 'events_after_insert'),
    ('events', 'events_before_change'),
    ('events', 'events_before_truncate'),
    ('ledger_entries', 'ledger_entries_balance'),
    ('ledger_entries', 'ledger_entries_before_change'),
    ('ledger_entries', 'ledger_entries_before_truncate')
) AS e (relation, name)
INNER JOIN tables AS r ON e.relation = r.name
LEFT JOIN pg_catalog.pg_trigger AS t ON r.oid = t.tgrelid AND e.name = t.tgname
UNION ALL
SELECT
    format('constraint %s on %s', e.name, e.relation) AS guard,
    coalesce(c.convalidated, false) AS in_force
FROM (
    VALUES
    ('events', 'events_event_id_key'),
    ('events', 'events_tx_ref_seq_key'),
    ('events', 'events_money_has_amount'),
    ('events', 'events_only_payments_in_suspense'),
    ('ledger_entries', 'ledger_entries_event_id_account_key'),
    ('wallets', 'wallets_balance_check')
) AS e (relation, name)
INNER JOIN tables AS r ON e.relation = r.name
LEFT JOIN pg_catalog.pg_constraint AS c ON r.oid = c.conrelid AND e.name = c.conname
UNION ALL
SELECT
    format('the application cannot write %s', r.name) AS guard,
    NOT has_table_privilege('topup_app', r.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS in_force
FROM tables AS r
WHERE r.name IN ('events', 'topups', 'wallets', 'ledger_entries');

COMMENT ON VIEW audit.guards IS
'What keeps the log and the ledger as they are. A guard that is not in force is a finding.';
COMMENT ON COLUMN audit.guards.guard IS 'A trigger, a constraint, or a privilege not given.';
COMMENT ON COLUMN audit.guards.in_force IS 'True, always.';

GRANT SELECT ON audit.guards TO topup_auditor, topup_app;
