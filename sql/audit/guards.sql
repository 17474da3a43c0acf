-- guards: what keeps the log and the ledger as they are, and whether it is in force. What each
--           guard does is compared with the release by python -m app schema --check.
CREATE OR REPLACE VIEW audit.guards AS
SELECT
    t.guard,
    t.in_force
FROM audit.trigger_guards AS t
UNION ALL
SELECT
    c.guard,
    c.in_force
FROM audit.constraint_guards AS c
UNION ALL
SELECT
    a.guard,
    a.in_force
FROM audit.access_guards AS a
UNION ALL
SELECT
    w.guard,
    w.in_force
FROM audit.row_guards AS w;

COMMENT ON VIEW audit.guards IS
'What keeps the log and the ledger as they are. A guard that is not in force is a finding.';
COMMENT ON COLUMN audit.guards.guard IS 'A trigger, a constraint, or a privilege not given.';
COMMENT ON COLUMN audit.guards.in_force IS 'True, always.';

GRANT SELECT ON audit.guards TO topup_auditor, topup_app;
