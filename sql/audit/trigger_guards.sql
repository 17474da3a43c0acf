-- trigger_guards: the triggers that keep the log and the ledger, and that nothing else gets between
--           a statement and its row.
CREATE OR REPLACE VIEW audit.trigger_guards AS
WITH tables AS ( -- by name and not as regclass: an auditor may not look into schema topup
    SELECT
        c.oid,
        c.relname AS name
    FROM pg_catalog.pg_class AS c
    INNER JOIN pg_catalog.pg_namespace AS n ON c.relnamespace = n.oid AND n.nspname = 'topup'
    WHERE c.relkind IN ('r', 'p')
),

expected (relation, name, function, moment) AS ( -- moment is a tgtype: a sum of bits
    SELECT
        a.relation,
        a.relation || k.suffix,
        'refuse_change',
        k.moment
    FROM unnest(ARRAY['events', 'ledger_entries', 'event_seals', 'checkpoints']) AS a (relation)
    CROSS JOIN (VALUES
        ('_before_change', 1 + 2 + 8 + 16), -- row, before, delete, update
        ('_before_truncate', 2 + 32) -- before, truncate
    ) AS k (suffix, moment)
    UNION ALL
    VALUES -- row, insert
    ('events', 'events_after_insert', 'events_after_insert', 1 + 4),
    ('ledger_entries', 'ledger_entries_balance', 'ledger_entries_balance', 1 + 4)
)

SELECT
    format('trigger %s on %s', e.name, e.relation) AS guard,
    (
        SELECT count(*) FROM pg_catalog.pg_trigger AS t
        INNER JOIN tables AS r ON t.tgrelid = r.oid AND e.relation = r.name
        INNER JOIN pg_catalog.pg_proc AS p ON t.tgfoid = p.oid AND e.function = p.proname
        INNER JOIN pg_catalog.pg_namespace AS n ON p.pronamespace = n.oid AND n.nspname = 'topup'
        WHERE
            t.tgname = e.name AND t.tgtype = e.moment AND t.tgenabled IN ('O', 'A')
            AND t.tgqual IS NULL AND t.tgattr::text = '' -- no WHEN, no UPDATE OF
    ) = 1 AS in_force
FROM expected AS e
UNION ALL
SELECT
    format('triggers of foreign keys on %s', r.name) AS guard,
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE t.tgrelid = r.oid AND t.tgisinternal AND t.tgenabled NOT IN ('O', 'A')
    ) AS in_force
FROM tables AS r
UNION ALL
SELECT
    format('no other trigger and no rule on %s', r.name) AS guard,
    NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger AS t
        WHERE
            t.tgrelid = r.oid AND NOT t.tgisinternal
            AND t.tgname NOT IN (SELECT e.name FROM expected AS e WHERE e.relation = r.name)
    )
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_rewrite AS w WHERE w.ev_class = r.oid) AS in_force
FROM tables AS r;

COMMENT ON VIEW audit.trigger_guards IS 'The part of audit.guards that is about triggers.';
COMMENT ON COLUMN audit.trigger_guards.guard IS 'A trigger, or that there are no others.';
COMMENT ON COLUMN audit.trigger_guards.in_force IS 'True, always: enabled, and as it should be.';

GRANT SELECT ON audit.trigger_guards TO topup_auditor, topup_app;
