-- seal_findings: what does not fit of the seals and their events; of an honest log, nothing.
-- Raises:   nothing.
-- Locks:    nothing: one statement, one snapshot, on a live system.
-- Notifies: nothing.
-- Why:      the half of audit.verify_chain that needs no checkpoint.
CREATE OR REPLACE FUNCTION topup.seal_findings()
RETURNS TABLE (what text, stream text, event_id bigint, detail text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH sealed AS (
        SELECT
            s.number, s.id, s.stream, s.place, s.hash,
            coalesce(lag(s.number) OVER by_number, 0) AS number_before,
            coalesce(lag(s.id) OVER by_number, 0) AS id_before,
            coalesce(lag(s.place) OVER of_stream, 0) AS place_before,
            lag(s.hash) OVER of_stream AS hash_before
        FROM topup.event_seals AS s
        WINDOW
            by_number AS (ORDER BY s.number),
            of_stream AS (PARTITION BY s.stream ORDER BY s.place)
    )

    SELECT 'event_changed', s.stream, s.id, 'seal ' || s.number
    FROM sealed AS s
    INNER JOIN topup.events AS e ON e.id = s.id
    WHERE s.hash <> topup.event_hash(e, s.number, s.place, s.hash_before)
    UNION ALL
    SELECT 'event_misplaced', s.stream, s.id, 'seal ' || s.number
    FROM sealed AS s
    INNER JOIN topup.events AS e ON e.id = s.id
    WHERE s.stream <> coalesce(e.tx_ref, 'suspense') OR s.place <> coalesce(e.seq, s.place)
    UNION ALL
    SELECT 'event_missing', s.stream, s.id, 'seal ' || s.number
    FROM sealed AS s
    WHERE NOT EXISTS (SELECT FROM topup.events AS e WHERE e.id = s.id)
    UNION ALL
    -- They are sealed in the order of their ids, and none before what may still come below it.
    SELECT 'event_inserted', s.stream, s.id, 'seal ' || s.number || ', after event ' || s.id_before
    FROM sealed AS s
    WHERE s.id <= s.id_before
    UNION ALL
    SELECT 'seals_missing', NULL, s.id, format('%s to %s', s.number_before + 1, s.number - 1)
    FROM sealed AS s
    WHERE s.number <> s.number_before + 1
    UNION ALL
    SELECT 'seals_missing', s.stream, s.id, 'before seal ' || s.number || ' of its stream'
    FROM sealed AS s
    WHERE s.place <> s.place_before + 1
$$;
