-- append_events: appends 1 to 64 facts in one transaction and returns what became of each:
--           applied, duplicate, suspense, conflict, or rejected with the SQLSTATE in refused_with.
--           One bad fact never fails its neighbours.
-- Raises:   TU001 the arrays are not of one length from 1 to 64; TU019 not READ COMMITTED.
-- Locks:    the top-ups of the batch in tx_ref order, their wallets in user order, suspense, bodies
--           in the order of their hashes, events, checks.
-- Notifies: topup:<tx_ref> for each new event, through the trigger.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.append_events(
    p_event_ids text[],
    p_types text[],
    p_tx_refs text[],
    p_data text[],
    p_occurred_at text[],
    p_bodies bytea[]
)
RETURNS SETOF topup.outcome
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- to plan anew costs more than to run
SET enable_seqscan = off -- a plan made while the tables were small shall do for large ones
AS $$
DECLARE
    v_lengths integer[] := ARRAY[
        cardinality(p_event_ids), cardinality(p_types), cardinality(p_tx_refs),
        cardinality(p_data), cardinality(p_occurred_at), cardinality(p_bodies)
    ];
    v_outcomes topup.outcome[];
    v_outcome topup.outcome;
BEGIN
    IF (v_lengths[1] BETWEEN 1 AND 64 AND v_lengths[1] = ALL (v_lengths)) IS NOT TRUE THEN
        RAISE EXCEPTION 'the batch must be arrays of one length from 1 to 64'
        USING ERRCODE = 'TU001', DETAIL = v_lengths::text;
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true); -- PayOS hears 200: keep the promise
    END IF;

    BEGIN
        v_outcomes := topup.append_batch(
            topup.read_facts(p_event_ids, p_types, p_tx_refs, p_data, p_occurred_at, p_bodies)
        );
    EXCEPTION
        WHEN transaction_rollback OR insufficient_resources OR lock_not_available THEN
            RAISE; -- no fault of a fact: the caller tries again
        WHEN OTHERS THEN
            v_outcomes := topup.append_singly(
                p_event_ids, p_types, p_tx_refs, p_data, p_occurred_at, p_bodies
            );
    END;
    FOREACH v_outcome IN ARRAY v_outcomes LOOP
        RETURN NEXT v_outcome;
    END LOOP;
END
$$;

GRANT EXECUTE ON FUNCTION topup.append_events(
    text[], text[], text[], text[], text[], bytea[]
) TO topup_app;
