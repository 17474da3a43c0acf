-- unsealed_findings: events without a seal that should have one, or can never get one; of an honest
--           log that a server seals, none.
-- Raises:   nothing.
-- Locks:    nothing: one statement, one snapshot, on a live system.
-- Notifies: nothing.
-- Why:      what has no seal can be changed, and what lies beyond the sequence gets none and is
--           in no export, until the sequence has come there.
CREATE OR REPLACE FUNCTION topup.unsealed_findings()
RETURNS TABLE (what text, stream text, event_id bigint, detail text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH sealing AS (
        SELECT
            max(s.id) AS latest_id,
            -- Not in a new database: nobody has been there to seal.
            count(*) > 0
            OR EXISTS (SELECT FROM topup.settling)
            OR EXISTS (SELECT FROM topup.checkpoints) AS begun,
            -- It takes a second, and longer than the longest transaction that writes events; this
            -- is longer than any, and than a restart. The clock is that of the snapshot.
            now() - interval '15 minutes' AS due_before
        FROM topup.event_seals AS s
    )

    SELECT 'event_without_seal', coalesce(e.tx_ref, 'suspense'), e.id, 'later ones have theirs'
    FROM topup.events AS e
    WHERE
        e.id <= (SELECT g.latest_id FROM sealing AS g)
        AND NOT EXISTS (SELECT FROM topup.event_seals AS s WHERE s.id = e.id)
    UNION ALL
    (
        SELECT
            'event_unsealed', coalesce(e.tx_ref, 'suspense'), e.id,
            format('the first of %s that wait for more than 15 minutes', count(*) OVER ())
        FROM topup.events AS e
        CROSS JOIN sealing AS g
        WHERE g.begun AND e.id > coalesce(g.latest_id, 0) AND e.recorded_at < g.due_before
        ORDER BY e.id
        LIMIT 1
    )
    UNION ALL
    SELECT
        'event_beyond_sequence', coalesce(e.tx_ref, 'suspense'), e.id,
        'the sequence is at ' || q.drawn_id
    FROM topup.events AS e
    CROSS JOIN (
        SELECT coalesce(pg_sequence_last_value('topup.events_id_seq'), 0) AS drawn_id
    ) AS q
    WHERE e.id > q.drawn_id
$$;
