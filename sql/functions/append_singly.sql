-- append_singly: appends the facts of a batch one by one, each in a subtransaction, and rejects
--           those that raise; their bodies are kept.
-- Raises:   nothing for a bad fact; what is no fault of a fact, TU019 among it.
-- Locks:    the top-ups of the batch in tx_ref order, their wallets in user order, suspense, bodies
--           in the order of their hashes, events, checks.
-- Notifies: topup:<tx_ref> for each new event, through the trigger.
-- Why:      only a batch that raised pays for subtransactions.
CREATE OR REPLACE FUNCTION topup.append_singly(
    p_event_ids text[],
    p_types text[],
    p_tx_refs text[],
    p_data text[],
    p_occurred_at text[],
    p_bodies bytea[]
)
RETURNS topup.outcome[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts topup.fact[] := ARRAY[]::topup.fact[];
    v_outcomes topup.outcome[] := ARRAY[]::topup.outcome[];
    v_fact topup.fact;
BEGIN
    FOR i IN 1 .. cardinality(p_event_ids) LOOP
        BEGIN
            v_fact := topup.match_fact((topup.read_facts(
                p_event_ids[i:i], p_types[i:i], p_tx_refs[i:i],
                p_data[i:i], p_occurred_at[i:i], p_bodies[i:i]
            ))[1]);
            v_fact.ordinal := i;
            v_facts := v_facts || v_fact;
        EXCEPTION WHEN data_exception THEN
            v_outcomes := v_outcomes || ROW(i, 'rejected', NULL, NULL, SQLSTATE)::topup.outcome;
        END;
    END LOOP;

    -- Before the first append, so that a second batch meets these locks in the same order. Suspense
    -- in any case: a top-up may disown its money later on.
    PERFORM topup.lock_topups(topup.tx_refs_to_lock(v_facts) || NULL::text);

    FOREACH v_fact IN ARRAY v_facts LOOP
        BEGIN
            v_outcomes := v_outcomes || topup.append_batch(ARRAY[v_fact]);
        EXCEPTION
            WHEN
                transaction_rollback OR insufficient_resources OR lock_not_available
                OR syntax_error_or_access_rule_violation OR system_error OR internal_error
            THEN
                RAISE; -- no fault of the fact
            WHEN OTHERS THEN
                v_outcomes := v_outcomes
                    || ROW(v_fact.ordinal, 'rejected', NULL, NULL, SQLSTATE)::topup.outcome;
        END;
    END LOOP;

    INSERT INTO topup.payos_bodies (body_sha256, raw, fault)
    SELECT
        sha256(p_bodies[o.ordinal]) AS body_sha256, p_bodies[o.ordinal],
        'rejected with ' || o.refused_with
    FROM unnest(v_outcomes) AS o
    WHERE o.outcome = 'rejected' AND p_bodies[o.ordinal] IS NOT NULL
    ORDER BY body_sha256
    ON CONFLICT DO NOTHING;
    RETURN (SELECT array_agg(o ORDER BY o.ordinal) FROM unnest(v_outcomes) AS o);
END
$$;
