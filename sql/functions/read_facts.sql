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
BEGIN
    RETURN (
        SELECT array_agg(
            ROW(
                f.ordinal, f.event_id::uuid, f.type, f.tx_ref, f.data::jsonb,
                f.occurred_at::timestamptz, f.body
            )::topup.fact
            ORDER BY f.ordinal
        )
        FROM unnest(p_event_ids, p_types, p_tx_refs, p_data, p_occurred_at, p_bodies)
        WITH ORDINALITY AS f (event_id, type, tx_ref, data, occurred_at, body, ordinal)
    );
END
$$;
