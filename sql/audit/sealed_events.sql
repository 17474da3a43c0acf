-- sealed_events: every seal of the hash chain with what was hashed, to compute it again elsewhere.
CREATE OR REPLACE VIEW audit.sealed_events AS
SELECT
    s.number,
    s.stream,
    s.place,
    s.id,
    e.event_id,
    e.tx_ref,
    e.seq,
    e.type,
    e.data::text AS data,
    e.occurred_at,
    e.recorded_at,
    encode(s.hash, 'hex') AS hash
FROM topup.event_seals AS s
LEFT JOIN topup.events AS e ON s.id = e.id;

COMMENT ON VIEW audit.sealed_events IS
'The hash chain over the events: docs/auditing-chain.md says how each hash is made.';
COMMENT ON COLUMN audit.sealed_events.number IS '1, 2, 3 … without gap, in the order of sealing.';
COMMENT ON COLUMN audit.sealed_events.stream IS 'The tx_ref, or suspense.';
COMMENT ON COLUMN audit.sealed_events.place IS '1, 2, 3 … without gap within the stream.';
COMMENT ON COLUMN audit.sealed_events.id IS
'The identity of the event. The columns after it are null when the event is gone.';
COMMENT ON COLUMN audit.sealed_events.event_id IS 'Names the fact.';
COMMENT ON COLUMN audit.sealed_events.tx_ref IS 'The top-up; null for money in suspense.';
COMMENT ON COLUMN audit.sealed_events.seq IS 'Number of the event within the top-up.';
COMMENT ON COLUMN audit.sealed_events.type IS 'See docs/events.md.';
COMMENT ON COLUMN audit.sealed_events.data IS 'The facts, as the text that was hashed.';
COMMENT ON COLUMN audit.sealed_events.occurred_at IS 'When it happened, by its source.';
COMMENT ON COLUMN audit.sealed_events.recorded_at IS 'When it was recorded.';
COMMENT ON COLUMN audit.sealed_events.hash IS 'SHA-256, lower-case hex.';

GRANT SELECT ON audit.sealed_events TO topup_auditor, topup_app;
