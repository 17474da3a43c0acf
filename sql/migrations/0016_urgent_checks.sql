-- Whom somebody waits for is asked about before what was abandoned, however much that is. What was
-- opened before this column was there is among the others once.
ALTER TABLE topup.payos_checks ADD COLUMN urgent boolean NOT NULL DEFAULT FALSE;

CREATE INDEX payos_checks_urgent ON topup.payos_checks (next_at) WHERE urgent;

COMMENT ON COLUMN topup.payos_checks.urgent IS
    'Asked about before the others: it may still be paid at next_at, or a transfer was held.';
