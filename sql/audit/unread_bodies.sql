-- unread_bodies: signed webhooks that no event came of, and nobody has dismissed.
CREATE OR REPLACE VIEW audit.unread_bodies AS
SELECT
    b.fault,
    b.received_at,
    encode(b.body_sha256, 'hex') AS body_sha256
FROM topup.payos_bodies AS b
WHERE b.fault IS NOT NULL AND b.dismissed_at IS NULL;

COMMENT ON VIEW audit.unread_bodies IS
'What PayOS signed and napvi did not understand. The owner reads the body itself, which holds
payer data, in topup.payos_bodies.';
COMMENT ON COLUMN audit.unread_bodies.body_sha256 IS 'SHA-256 of the body, in hex.';
COMMENT ON COLUMN audit.unread_bodies.fault IS 'Why no event came of it.';
COMMENT ON COLUMN audit.unread_bodies.received_at IS 'First delivery.';

GRANT SELECT ON audit.unread_bodies TO topup_auditor, topup_app;
