-- read_facts: the parallel arrays of a batch as facts, in order.
-- Raises:   22xxx when an element is not what its type wants.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      text arrays bind cheaply, and one malformed element can be told from its neighbours.
CREATE OR REPLACE FUNCTION topup.read_facts(
    p_event_ids text[],
    p_types text[],
    p_tx_refs text[],
    p_data text[],
    p_occurred_at text[],
    p_bodies bytea[]
)
RETURNS topup.fact[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts topup.fact[] := ARRAY[]::topup.fact[];
    v_fact topup.fact;
BEGIN
    FOR i IN 1 .. cardinality(p_event_ids) LOOP
        v_fact.ordinal := i;
        v_fact.event_id := p_event_ids[i]::uuid;
        v_fact.type := p_types[i];
        v_fact.tx_ref := p_tx_refs[i];
        v_fact.data := p_data[i]::jsonb;
        v_fact.occurred_at := p_occurred_at[i]::timestamptz;
        v_fact.body := p_bodies[i];
        v_facts := v_facts || v_fact;
    END LOOP;
    RETURN v_facts;
END
$$;
