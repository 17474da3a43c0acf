-- outcome_of: what became of a judged fact: applied, duplicate, suspense or conflict, with the
--           top-up and the seq of its event.
-- Raises:   TU020 it repeats an event that is not there: its sender would be told that it is known.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      only a repeat has to be looked up: its event may be another top-up's by now.
CREATE OR REPLACE FUNCTION topup.outcome_of(p_fact topup.fact)
RETURNS topup.outcome
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_recorded topup.events;
BEGIN
    IF p_fact.is_new THEN
        RETURN ROW(
            p_fact.ordinal,
            CASE
                WHEN p_fact.type = 'payment.conflict' THEN 'conflict'
                WHEN p_fact.tx_ref IS NULL THEN 'suspense'
                ELSE 'applied'
            END,
            p_fact.tx_ref, p_fact.seq, NULL
        )::topup.outcome;
    END IF;

    v_recorded := (SELECT e FROM topup.events AS e WHERE e.event_id = p_fact.event_id);
    IF v_recorded.event_id IS NULL THEN
        RAISE EXCEPTION 'a fact is called a repeat of an event that is not there'
        USING ERRCODE = 'TU020', DETAIL = p_fact.event_id::text;
    END IF;
    RETURN ROW(
        p_fact.ordinal, 'duplicate', v_recorded.tx_ref, v_recorded.seq, NULL
    )::topup.outcome;
END
$$;
