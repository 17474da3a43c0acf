-- What may be forgotten: raw bodies and logins, after a time. A body that no event came of may be
-- the only trace of money, so it stays until a person says that it is none. Writers wait while the
-- indexes are built, about a second for a million bodies.
ALTER TABLE topup.payos_bodies
ADD COLUMN dismissed_at timestamptz,
ADD COLUMN dismissed_by text,
ADD COLUMN dismissed_reason text,
ADD CONSTRAINT payos_bodies_dismissed_with_fault CHECK (
    num_nonnulls(dismissed_at, dismissed_by, dismissed_reason) IN (0, 3)
    AND (dismissed_at IS NULL OR fault IS NOT NULL)
);

COMMENT ON COLUMN topup.payos_bodies.raw IS
    'The bytes that were signed and sent; empty when they were dismissed long ago.';
COMMENT ON COLUMN topup.payos_bodies.dismissed_at IS
    'When a person said that nothing has to come of it. Null while it waits for one.';
COMMENT ON COLUMN topup.payos_bodies.dismissed_by IS 'Who said so.';
COMMENT ON COLUMN topup.payos_bodies.dismissed_reason IS 'Why.';

-- The oldest first, so that to prune costs what there is to prune.
CREATE INDEX payos_bodies_read ON topup.payos_bodies (received_at) WHERE fault IS NULL;
CREATE INDEX sessions_expires_at ON topup.sessions (expires_at);
