-- contradict: a fact that tells a transfer with other money than what is recorded, as
--           payment.conflict. p_held: the data of p_hold_id, by which that transfer is held; null
--           if it is not. What is told as it is held is that hold again.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      of what is held, and what it is told as otherwise, a person accepts one: both have the
--           `held_event_id`, which accepting takes.
CREATE OR REPLACE FUNCTION topup.contradict(p_fact topup.fact, p_hold_id uuid, p_held jsonb)
RETURNS topup.fact
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fact topup.fact := p_fact;
BEGIN
    v_fact.type := 'payment.conflict';
    IF p_held IS NOT NULL AND topup.is_same_money(p_held, p_fact.data) THEN
        v_fact.event_id := p_hold_id;
        RETURN v_fact;
    END IF;
    v_fact.data := p_fact.data || CASE
        WHEN p_held IS NULL THEN jsonb_build_object('conflicts_with', p_fact.event_id)
        ELSE jsonb_build_object('conflicts_with', p_hold_id, 'held_event_id', p_fact.event_id)
    END;
    v_fact.event_id := topup.derived_event_id(concat_ws(
        '/', p_fact.event_id, p_fact.data ->> 'order_code', p_fact.data ->> 'amount'
    ));
    RETURN v_fact;
END
$$;
