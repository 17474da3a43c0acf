-- assign_suspense: credits a transfer that waits for a person to the wallet of a top-up, as an
--           event: one in suspense, or a payment.conflict, which is accepted by this. The same
--           assignment again is a duplicate, and the first reason and name stay.
-- Raises:   TU002 unknown top-up; TU007 no such transfer waits; TU008 it was assigned to another
--           top-up; TU009 no reason; TU016 recorded meanwhile; TU017 no name; TU019 isolation.
-- Locks:    the top-up, then its wallet, the new event.
-- Notifies: topup:<tx_ref>, through the trigger.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.assign_suspense(
    p_event_id uuid, p_tx_ref text, p_reason text, p_assigned_by text
)
RETURNS topup.outcome
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_waiting topup.events := topup.waiting_transfer(p_event_id);
    v_event_id uuid := topup.crediting_event_id(v_waiting);
    v_role text := CASE v_waiting.type WHEN 'payment.conflict' THEN 'conflict' ELSE 'suspense' END;
    v_seq bigint;
    v_recorded topup.events;
BEGIN
    PERFORM topup.lock_topups(ARRAY[p_tx_ref]);
    v_seq := (SELECT t.seq + 1 FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref);
    IF v_seq IS NULL THEN
        RAISE EXCEPTION 'there is no such top-up' USING ERRCODE = 'TU002', DETAIL = p_tx_ref;
    ELSIF v_waiting.event_id IS NULL THEN
        RAISE EXCEPTION 'there is no such transfer that waits for a person'
        USING ERRCODE = 'TU007', DETAIL = p_event_id::text;
    ELSIF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'an assignment needs a reason' USING ERRCODE = 'TU009';
    ELSIF coalesce(btrim(p_assigned_by), '') = '' THEN
        RAISE EXCEPTION 'an assignment needs a name' USING ERRCODE = 'TU017';
    END IF;

    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    VALUES (
        v_event_id, p_tx_ref, v_seq, 'suspense.assigned',
        jsonb_build_object(
            v_role || '_event_id', p_event_id, 'order_code', v_waiting.data -> 'order_code',
            'amount', v_waiting.data -> 'amount', 'reason', p_reason, 'assigned_by', p_assigned_by
        ),
        clock_timestamp()
    )
    ON CONFLICT (event_id) DO NOTHING;
    IF FOUND THEN
        RETURN ROW(1, 'applied', p_tx_ref, v_seq, NULL)::topup.outcome;
    END IF;

    v_recorded := (SELECT e FROM topup.events AS e WHERE e.event_id = v_event_id);
    IF
        v_recorded.type <> 'suspense.assigned'
        OR v_recorded.data ->> (v_role || '_event_id') <> p_event_id::text -- told as other money
    THEN
        RAISE EXCEPTION 'this transfer has been recorded meanwhile'
        USING ERRCODE = 'TU016', DETAIL = v_event_id::text;
    ELSIF v_recorded.tx_ref <> p_tx_ref THEN
        RAISE EXCEPTION 'this transfer was assigned to another top-up'
        USING ERRCODE = 'TU008', DETAIL = v_recorded.tx_ref;
    END IF;
    RETURN ROW(1, 'duplicate', p_tx_ref, v_recorded.seq, NULL)::topup.outcome;
END
$$;

GRANT EXECUTE ON FUNCTION topup.assign_suspense(uuid, text, text, text) TO topup_app;
