-- find_told: the data under this event id, in the log or among the facts of a batch that were
--           judged before. Null if there is none.
-- Raises:   nothing.
-- Locks:    expects those of topup.lock_facts.
-- Notifies: nothing.
-- Why:      a fact must be judged the same in a batch as after its neighbours have been appended.
CREATE OR REPLACE FUNCTION topup.find_told(p_event_id uuid, p_facts topup.fact[])
RETURNS jsonb
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(
        (SELECT e.data FROM topup.events AS e WHERE e.event_id = p_event_id),
        (SELECT f.data FROM unnest(p_facts) AS f WHERE f.event_id = p_event_id LIMIT 1)
    );
END
$$;
