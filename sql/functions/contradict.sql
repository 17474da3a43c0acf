-- contradict: a fact that tells a transfer with other money, as payment.conflict. p_hold_id: the
--           event id of the payment.conflict by which that transfer is held; null if it is not.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      of what is held, and what it is told as otherwise, a person accepts one: both have the
--           `held_event_id`, which accepting takes.
CREATE OR REPLACE FUNCTION topup.contradict(p_fact topup.fact, p_hold_id uuid)
RETURNS topup.fact
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fact topup.fact := p_fact;
BEGIN
    v_fact.type := 'payment.conflict';
    v_fact.data := p_fact.data || CASE
        WHEN p_hold_id IS NULL THEN jsonb_build_object('conflicts_with', p_fact.event_id)
        ELSE jsonb_build_object('conflicts_with', p_hold_id, 'held_event_id', p_fact.event_id)
    END;
    v_fact.event_id := topup.derived_event_id(concat_ws(
        '/', p_fact.event_id, p_fact.data ->> 'order_code', p_fact.data ->> 'amount'
    ));
    RETURN v_fact;
END
$$;
