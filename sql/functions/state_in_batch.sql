-- state_in_batch: a top-up after those of p_facts that are new and its own, repeats left out.
-- Raises:   22xxx when an amount among them is none.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      a fact must be judged the same in a batch as after its neighbours have been appended.
CREATE OR REPLACE FUNCTION topup.state_in_batch(p_state topup.topups, p_facts topup.fact[])
RETURNS topup.topups
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_state topup.topups := p_state;
    v_fact topup.fact;
BEGIN
    FOREACH v_fact IN ARRAY p_facts LOOP
        IF v_fact.tx_ref = p_state.tx_ref AND v_fact.is_new THEN
            v_state := topup.next_state(
                v_state,
                ROW(
                    NULL, v_fact.event_id, v_fact.tx_ref, v_fact.seq, v_fact.type, v_fact.data,
                    v_fact.occurred_at, v_fact.occurred_at
                )::topup.events
            );
        END IF;
    END LOOP;
    RETURN v_state;
END
$$;
