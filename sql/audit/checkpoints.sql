-- checkpoints: what the whole chain was at some moments, to compare with copies kept elsewhere.
CREATE OR REPLACE VIEW audit.checkpoints AS
SELECT
    c.number,
    c.taken_at,
    c.streams,
    c.events,
    encode(c.root, 'hex') AS root,
    encode(c.previous_hash, 'hex') AS previous_hash,
    encode(c.hash, 'hex') AS hash
FROM topup.checkpoints AS c;

COMMENT ON VIEW audit.checkpoints IS
'Checkpoints of the hash chain: docs/auditing-chain.md. Hashes are lower-case hex.';
COMMENT ON COLUMN audit.checkpoints.number IS '1, 2, 3 … without gap.';
COMMENT ON COLUMN audit.checkpoints.taken_at IS 'When it was taken.';
COMMENT ON COLUMN audit.checkpoints.streams IS 'Number of streams with a seal.';
COMMENT ON COLUMN audit.checkpoints.events IS
'Number of sealed events: it covers the seals 1 to this one.';
COMMENT ON COLUMN audit.checkpoints.root IS 'Over the heads of all streams.';
COMMENT ON COLUMN audit.checkpoints.previous_hash IS
'The hash of the checkpoint before; of the first one, zeros.';
COMMENT ON COLUMN audit.checkpoints.hash IS 'Of previous_hash and every other column.';

GRANT SELECT ON audit.checkpoints TO topup_auditor, topup_app;
