-- unbalanced: events whose ledger entries do not sum to zero. Empty, always.
CREATE OR REPLACE VIEW audit.unbalanced AS
SELECT
    l.event_id,
    count(*) AS entries,
    sum(l.amount) AS sum
FROM topup.ledger_entries AS l
GROUP BY l.event_id
HAVING sum(l.amount) <> 0;

COMMENT ON VIEW audit.unbalanced IS
'Events whose ledger entries do not sum to zero, by arithmetic alone. Empty, always.';
COMMENT ON COLUMN audit.unbalanced.event_id IS 'The event that moved the money.';
COMMENT ON COLUMN audit.unbalanced.entries IS 'Number of its ledger entries.';
COMMENT ON COLUMN audit.unbalanced.sum IS 'In đồng; what is too much or missing.';

GRANT SELECT ON audit.unbalanced TO topup_auditor, topup_app;
