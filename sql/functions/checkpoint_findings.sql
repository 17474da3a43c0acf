-- checkpoint_findings: what of the checkpoints does not fit together, or not to the seals that they
--           cover; of an honest log nothing.
-- Raises:   nothing.
-- Locks:    nothing: one statement, one snapshot, on a live system.
-- Notifies: nothing.
-- Why:      the other half of audit.verify_chain. Each seal is read once, under its checkpoint.
CREATE OR REPLACE FUNCTION topup.checkpoint_findings()
RETURNS TABLE (what text, detail text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH taken AS (
        SELECT
            c.number, c.streams, c.events, c.root, c.previous_hash, c.hash,
            topup.checkpoint_hash(c) AS hash_due,
            coalesce(lag(c.number) OVER by_number, 0) AS number_before,
            coalesce(lag(c.streams) OVER by_number, 0) AS streams_before,
            coalesce(lag(c.events) OVER by_number, 0) AS events_before,
            lag(c.root) OVER by_number AS root_before,
            coalesce(lag(c.hash) OVER by_number, decode(repeat('00', 32), 'hex')) AS hash_before
        FROM topup.checkpoints AS c
        WINDOW by_number AS (ORDER BY c.number)
    )

    SELECT 'checkpoint_changed', 'checkpoint ' || t.number
    FROM taken AS t
    WHERE t.hash <> t.hash_due OR t.previous_hash <> t.hash_before
    UNION ALL
    SELECT 'checkpoints_missing', format('%s to %s', t.number_before + 1, t.number - 1)
    FROM taken AS t
    WHERE t.number <> t.number_before + 1
    UNION ALL
    SELECT 'root_differs', 'checkpoint ' || t.number
    FROM taken AS t
    WHERE t.root <> topup.chain_root(t.root_before, t.events_before, t.events)
    UNION ALL
    SELECT 'count_differs', format('checkpoint %s: %s', t.number, c.fault)
    FROM taken AS t
    CROSS JOIN LATERAL (
        SELECT
            format('%s streams, %s events', t.streams_before + f.begun, t.events_before + f.seals)
                AS fault
        FROM (
            SELECT count(*) FILTER (WHERE s.place = 1) AS begun, count(*) AS seals
            FROM topup.event_seals AS s
            WHERE s.number > t.events_before AND s.number <= t.events
        ) AS f
        WHERE
            (t.streams_before + f.begun, t.events_before + f.seals) <> (t.streams, t.events)
    ) AS c
$$;
