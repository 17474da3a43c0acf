-- state_in_batch: a top-up after those of p_facts that are new and its own, repeats left out.
-- Raises:   22xxx when an amount among them is none.
-- Locks:    expects those of topup.lock_topups.
-- Notifies: nothing.
-- Why:      a fact must be judged the same in a batch as after its neighbours have been appended.
CREATE OR REPLACE FUNCTION topup.state_in_batch(p_state topup.topups, p_facts topup.fact[])
RETURNS topup.topups
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_state topup.topups := p_state;
    v_event topup.events;
BEGIN
    FOR v_event IN
        SELECT
            NULL::bigint, f.event_id, f.tx_ref, f.ordinal::bigint, f.type, f.data,
            f.occurred_at, f.occurred_at
        FROM unnest(p_facts) AS f
        WHERE
            f.tx_ref = p_state.tx_ref
            AND NOT EXISTS (SELECT FROM topup.events AS e WHERE e.event_id = f.event_id)
            AND f.ordinal = (
                SELECT min(o.ordinal) FROM unnest(p_facts) AS o WHERE o.event_id = f.event_id
            )
        ORDER BY f.ordinal
    LOOP
        v_state := topup.next_state(v_state, v_event);
    END LOOP;
    RETURN v_state;
END
$$;
