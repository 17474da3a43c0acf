-- chain_reach: how far the proof by the hash chain reaches: anchored is covered by a checkpoint,
--           sealed by the chain alone, unsealed by nothing yet. Three rows, always.
CREATE OR REPLACE VIEW audit.chain_reach AS
WITH latest AS (
    SELECT
        c.number,
        c.events
    FROM topup.checkpoints AS c
    ORDER BY c.number DESC
    LIMIT 1
),

reach AS (
    SELECT
        coalesce((SELECT l.events FROM latest AS l), 0) AS anchored,
        coalesce((SELECT max(s.id) FROM topup.event_seals AS s), 0) AS sealed_id
)

SELECT
    'anchored' AS what,
    min(s.id) AS first_id,
    max(s.id) AS last_id,
    count(*) AS events,
    (SELECT 'checkpoint ' || l.number FROM latest AS l) AS detail
FROM topup.event_seals AS s
WHERE s.number <= (SELECT r.anchored FROM reach AS r)
UNION ALL
SELECT
    'sealed' AS what,
    min(s.id) AS first_id,
    max(s.id) AS last_id,
    count(*) AS events,
    NULL AS detail
FROM topup.event_seals AS s
WHERE s.number > (SELECT r.anchored FROM reach AS r)
UNION ALL
SELECT
    'unsealed' AS what,
    min(e.id) AS first_id,
    max(e.id) AS last_id,
    count(*) AS events,
    NULL AS detail
FROM topup.events AS e
WHERE e.id > (SELECT r.sealed_id FROM reach AS r);

COMMENT ON VIEW audit.chain_reach IS
'How far the hash chain proves anything. The rows of kind range of audit.verify_chain().';
COMMENT ON COLUMN audit.chain_reach.what IS
'anchored: covered by a checkpoint; sealed: by the chain alone; unsealed: by nothing yet.';
COMMENT ON COLUMN audit.chain_reach.first_id IS 'Of these events; null when there are none.';
COMMENT ON COLUMN audit.chain_reach.last_id IS 'Of these events; null when there are none.';
COMMENT ON COLUMN audit.chain_reach.events IS 'How many.';
COMMENT ON COLUMN audit.chain_reach.detail IS 'The latest checkpoint.';

GRANT SELECT ON audit.chain_reach TO topup_auditor, topup_app;
