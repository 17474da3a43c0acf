-- assign_suspense: moves one transfer from suspense to the wallet of a top-up, as an event. The
--           same assignment again is a duplicate.
-- Raises:   TU002 unknown top-up; TU007 no such transfer in suspense; TU008 it was assigned to
--           another top-up; TU009 no reason is given.
-- Locks:    the top-up, then its wallet.
-- Notifies: topup:<tx_ref>, through the trigger.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.assign_suspense(
    p_suspense_event_id uuid, p_tx_ref text, p_reason text
)
RETURNS topup.outcome
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_event_id uuid := topup.derived_event_id('suspense.assigned/' || p_suspense_event_id);
    v_seq bigint;
    v_amount bigint;
    v_recorded topup.events;
BEGIN
    PERFORM topup.lock_topups(ARRAY[p_tx_ref]);
    v_seq := (SELECT t.seq + 1 FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref);
    IF v_seq IS NULL THEN
        RAISE EXCEPTION 'there is no such top-up' USING ERRCODE = 'TU002', DETAIL = p_tx_ref;
    END IF;
    v_amount := (
        SELECT (e.data ->> 'amount')::bigint FROM topup.events AS e
        WHERE
            e.event_id = p_suspense_event_id
            AND e.tx_ref IS NULL
            AND e.type = 'payment.received'
    );
    IF v_amount IS NULL THEN
        RAISE EXCEPTION 'there is no such transfer in suspense'
        USING ERRCODE = 'TU007', DETAIL = p_suspense_event_id::text;
    END IF;
    IF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'an assignment needs a reason' USING ERRCODE = 'TU009';
    END IF;

    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    VALUES (
        v_event_id, p_tx_ref, v_seq, 'suspense.assigned',
        jsonb_build_object(
            'suspense_event_id', p_suspense_event_id, 'amount', v_amount, 'reason', p_reason
        ),
        clock_timestamp()
    )
    ON CONFLICT (event_id) DO NOTHING;
    IF FOUND THEN
        RETURN ROW(1, 'applied', p_tx_ref, v_seq, NULL)::topup.outcome;
    END IF;

    v_recorded := (SELECT e FROM topup.events AS e WHERE e.event_id = v_event_id);
    IF v_recorded.tx_ref <> p_tx_ref THEN
        RAISE EXCEPTION 'this transfer was assigned to another top-up'
        USING ERRCODE = 'TU008', DETAIL = v_recorded.tx_ref;
    END IF;
    RETURN ROW(1, 'duplicate', p_tx_ref, v_recorded.seq, NULL)::topup.outcome;
END
$$;

GRANT EXECUTE ON FUNCTION topup.assign_suspense(uuid, text, text) TO topup_app;
