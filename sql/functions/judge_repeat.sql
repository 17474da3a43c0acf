-- judge_repeat: the fact as payment.conflict if it brings money that may be known already: other
--           money under an event id that is taken, or that of a held transfer; or the same money
--           under another reference; else as it is. p_topup: its top-up as p_facts, judged before
--           it, leave that.
-- Raises:   nothing.
-- Locks:    expects those of topup.lock_facts.
-- Notifies: nothing.
-- Why:      whether GET tells a transfer under the reference of its webhook is not documented. What
--           is held is credited under its own event id, `held_event_id`: once an answer lists both,
--           or by a person, and never by both. Beside a transfer without a reference, by a person.
CREATE OR REPLACE FUNCTION topup.judge_repeat(
    p_fact topup.fact, p_topup topup.topups, p_facts topup.fact[]
)
RETURNS topup.fact
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_fact topup.fact := p_fact;
    v_hold_id CONSTANT uuid := topup.derived_event_id(p_fact.event_id || '/held');
    v_recorded jsonb; -- what its event id was told with
    v_held jsonb; -- and its hold
    v_alike uuid;
BEGIN
    SELECT
        (jsonb_agg(o.data) FILTER (WHERE o.event_id = p_fact.event_id)) -> 0,
        (jsonb_agg(o.data) FILTER (WHERE o.event_id = v_hold_id)) -> 0
    INTO v_recorded, v_held
    FROM (
        SELECT e.event_id, e.data FROM topup.events AS e
        UNION ALL
        SELECT f.event_id, f.data FROM unnest(p_facts) AS f
    ) AS o
    WHERE o.event_id IN (p_fact.event_id, v_hold_id);
    IF NOT topup.is_same_money(coalesce(v_recorded, v_held), p_fact.data) THEN
        RETURN topup.contradict(p_fact, v_hold_id, v_held);
    ELSIF v_recorded IS NOT NULL THEN
        RETURN p_fact;
    END IF;

    IF p_fact.type <> 'payment.received' OR (
        p_topup.amount_paid = 0
        AND p_fact.data ->> 'source' IS DISTINCT FROM 'payos.get'
        AND p_fact.data ->> 'unmatched' IS DISTINCT FROM 'reference.missing'
        AND NOT EXISTS (
            SELECT FROM unnest(p_facts) AS f WHERE f.tx_ref IS NULL AND f.type = 'payment.received'
        )
        AND NOT EXISTS (
            SELECT FROM topup.events AS e
            WHERE
                e.tx_ref IS NULL
                AND e.type = 'payment.received'
                AND e.data ->> 'order_code' = p_fact.data ->> 'order_code'
        )
    ) THEN
        RETURN p_fact; -- the usual case: a webhook with the first money of a top-up
    END IF;
    v_alike := topup.find_alike(p_fact, p_facts);
    IF v_alike IS NOT NULL THEN
        v_fact.type := 'payment.conflict';
        v_fact.data := p_fact.data
            || jsonb_build_object('held_event_id', p_fact.event_id, 'conflicts_with', v_alike);
        v_fact.event_id := v_hold_id;
    END IF;
    RETURN v_fact;
END
$$;
