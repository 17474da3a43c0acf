-- altered_bodies: raw webhooks that are not what was signed and sent. Empty, always.
CREATE OR REPLACE VIEW audit.altered_bodies AS
SELECT
    b.received_at,
    encode(b.body_sha256, 'hex') AS body_sha256
FROM topup.payos_bodies AS b
WHERE
    b.body_sha256 <> sha256(b.raw)
    -- What a person dismissed may be forgotten.
    AND NOT (b.raw = '' AND b.dismissed_at IS NOT NULL);

COMMENT ON VIEW audit.altered_bodies IS
'Raw webhooks whose bytes do not have the hash under which they are kept. Empty, always.';
COMMENT ON COLUMN audit.altered_bodies.received_at IS 'First delivery.';
COMMENT ON COLUMN audit.altered_bodies.body_sha256 IS
'SHA-256 of the body as it came, in hex; events name it in their data.';

GRANT SELECT ON audit.altered_bodies TO topup_auditor, topup_app;
