-- dismissed_bodies: signed webhooks that no event came of, and nothing has to, as a person said.
CREATE OR REPLACE VIEW audit.dismissed_bodies AS
SELECT
    b.fault,
    b.received_at,
    b.dismissed_at,
    b.dismissed_by,
    b.dismissed_reason AS reason,
    encode(b.body_sha256, 'hex') AS body_sha256
FROM topup.payos_bodies AS b
WHERE b.fault IS NOT NULL AND b.dismissed_at IS NOT NULL;

COMMENT ON VIEW audit.dismissed_bodies IS
'Signed webhooks that no event came of, and nothing has to, as a person said. Kept for ever, the
bytes only for a time.';
COMMENT ON COLUMN audit.dismissed_bodies.fault IS 'Why no event came of it.';
COMMENT ON COLUMN audit.dismissed_bodies.received_at IS 'First delivery.';
COMMENT ON COLUMN audit.dismissed_bodies.dismissed_at IS 'When a person said so.';
COMMENT ON COLUMN audit.dismissed_bodies.dismissed_by IS 'Who.';
COMMENT ON COLUMN audit.dismissed_bodies.reason IS 'Why.';
COMMENT ON COLUMN audit.dismissed_bodies.body_sha256 IS 'SHA-256 of the body, in hex.';

GRANT SELECT ON audit.dismissed_bodies TO topup_auditor, topup_app;
