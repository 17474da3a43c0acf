-- verify_chain: every sign that the log, its seals or its checkpoints were changed behind the doors
--           (kind finding; none, always), and how far the proof reaches (kind range).
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
    SELECT 'finding', f.what, f.stream, f.event_id, f.event_id, NULL::bigint, f.detail
    FROM topup.seal_findings() AS f
    UNION ALL
    SELECT 'finding', f.what, f.stream, f.event_id, f.event_id, NULL::bigint, f.detail
    FROM topup.unsealed_findings() AS f
    UNION ALL
    SELECT 'finding', f.what, f.stream, f.event_id, f.event_id, NULL::bigint, f.detail
    FROM topup.backdated_findings() AS f
    UNION ALL
    SELECT 'finding', f.what, NULL, NULL::bigint, NULL::bigint, NULL::bigint, f.detail
    FROM topup.checkpoint_findings() AS f
    UNION ALL
    SELECT 'range', r.what, NULL, r.first_id, r.last_id, r.events, r.detail
    FROM audit.chain_reach AS r
$$;

COMMENT ON FUNCTION audit.verify_chain() IS
'Every sign that the log, its seals or its checkpoints were changed behind the doors (finding:
none), and how far that proof reaches (range).';

GRANT EXECUTE ON FUNCTION audit.verify_chain() TO topup_auditor, topup_app;
