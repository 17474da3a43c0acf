-- judge_known: a fact whose event id, or that of its hold, is taken, in the log or by one of
--           p_facts. The same money again is not new; other money is payment.conflict, which is
--           that hold again when it tells what is held. Null: it is only known that it is held.
-- Raises:   nothing.
-- Locks:    expects those of topup.tx_refs_to_lock.
-- Notifies: nothing.
-- Why:      of what is held, and what it is told as otherwise, a person accepts one: both have the
--           `held_event_id`, which accepting takes.
CREATE OR REPLACE FUNCTION topup.judge_known(
    p_fact topup.fact, p_hold_id uuid, p_facts topup.fact[]
)
RETURNS topup.fact
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fact topup.fact := p_fact;
    v_recorded jsonb; -- what its event id was told with
    v_held jsonb; -- and its hold
BEGIN
    SELECT
        (jsonb_agg(o.data) FILTER (WHERE o.event_id = p_fact.event_id)) -> 0,
        (jsonb_agg(o.data) FILTER (WHERE o.event_id = p_hold_id)) -> 0
    INTO v_recorded, v_held
    FROM (
        SELECT e.event_id, e.data FROM topup.events AS e
        UNION ALL
        SELECT f.event_id, f.data FROM unnest(p_facts) AS f
    ) AS o
    WHERE o.event_id IN (p_fact.event_id, p_hold_id);
    v_fact.is_new := false;
    IF topup.is_same_money(coalesce(v_recorded, v_held), p_fact.data) THEN
        RETURN CASE WHEN v_recorded IS NOT NULL THEN v_fact END;
    END IF;

    v_fact.type := 'payment.conflict';
    IF v_held IS NOT NULL AND topup.is_same_money(v_held, p_fact.data) THEN
        v_fact.event_id := p_hold_id;
        RETURN v_fact;
    END IF;
    v_fact.data := p_fact.data || CASE
        WHEN v_held IS NULL THEN jsonb_build_object('conflicts_with', p_fact.event_id)
        ELSE jsonb_build_object('conflicts_with', p_hold_id, 'held_event_id', p_fact.event_id)
    END;
    v_fact.event_id := topup.derived_event_id(concat_ws(
        '/', p_fact.event_id, p_fact.data ->> 'order_code', p_fact.data ->> 'amount'
    ));
    v_fact.is_new := NOT EXISTS (
        SELECT FROM topup.events AS e WHERE e.event_id = v_fact.event_id
        UNION ALL
        SELECT FROM unnest(p_facts) AS f WHERE f.event_id = v_fact.event_id
    );
    RETURN v_fact;
END
$$;
