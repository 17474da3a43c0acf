-- match_facts: the facts of a batch, each with its top-up where one is found.
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      the batch has to know which top-ups to lock; the rule used is noted in the data.
CREATE OR REPLACE FUNCTION topup.match_facts(p_facts topup.fact[])
RETURNS topup.fact[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT array_agg(
            ROW(
                f.ordinal, f.event_id, f.type, coalesce(f.tx_ref, m.tx_ref),
                f.data || coalesce(m.note, '{}'), f.occurred_at, f.body
            )::topup.fact
            ORDER BY f.ordinal
        )
        FROM unnest(p_facts) AS f
        LEFT JOIN LATERAL topup.match_topup(f.data) AS m ON f.tx_ref IS NULL
    );
END
$$;
