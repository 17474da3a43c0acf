-- verify_chain: every sign that the log, its seals or its checkpoints were changed behind the doors
--           (kind finding; none, always), and how far the proof reaches (kind range): anchored is
--           covered by a checkpoint, sealed by the chain alone, unsealed by nothing yet.
-- Raises:   nothing.
-- Locks:    nothing: one statement, one snapshot, on a live system.
-- Notifies: nothing.
-- Why a door: an auditor may read audit only. Who can write everything can also make everything fit
--           again: that is found with a checkpoint kept elsewhere, python -m app checkpoint verify.
CREATE OR REPLACE FUNCTION audit.verify_chain()
RETURNS TABLE (
    kind text,
    what text,
    stream text,
    first_id bigint,
    last_id bigint,
    events bigint,
    detail text
)
LANGUAGE sql
STABLE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    WITH latest AS (
        SELECT c.number, c.events FROM topup.checkpoints AS c ORDER BY c.number DESC LIMIT 1
    ),

    reach AS (
        SELECT
            coalesce((SELECT l.events FROM latest AS l), 0) AS anchored,
            coalesce((SELECT max(s.id) FROM topup.event_seals AS s), 0) AS sealed_id
    )

    SELECT 'finding', f.what, f.stream, f.event_id, f.event_id, NULL::bigint, f.detail
    FROM topup.seal_findings() AS f
    UNION ALL
    SELECT 'finding', f.what, NULL, NULL::bigint, NULL::bigint, NULL::bigint, f.detail
    FROM topup.checkpoint_findings() AS f
    UNION ALL
    SELECT
        'range', 'anchored', NULL, min(s.id), max(s.id), count(*),
        (SELECT 'checkpoint ' || l.number FROM latest AS l)
    FROM topup.event_seals AS s
    WHERE s.number <= (SELECT r.anchored FROM reach AS r)
    UNION ALL
    SELECT 'range', 'sealed', NULL, min(s.id), max(s.id), count(*), NULL
    FROM topup.event_seals AS s
    WHERE s.number > (SELECT r.anchored FROM reach AS r)
    UNION ALL
    SELECT 'range', 'unsealed', NULL, min(e.id), max(e.id), count(*), NULL
    FROM topup.events AS e
    WHERE e.id > (SELECT r.sealed_id FROM reach AS r)
$$;

COMMENT ON FUNCTION audit.verify_chain() IS
'Every sign that the log, its seals or its checkpoints were changed behind the doors (finding:
none), and how far that proof reaches (range).';

GRANT EXECUTE ON FUNCTION audit.verify_chain() TO topup_auditor, topup_app;
