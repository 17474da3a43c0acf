-- judge_repeat: the fact as payment.conflict if it brings money that may be known already: other
--           money under an event id that is taken, or that of a held transfer; or the same money
--           under another reference; else as it is. And whether it is new. p_topup: its top-up as
--           p_facts, judged before it, leave that.
-- Raises:   nothing.
-- Locks:    expects those of topup.tx_refs_to_lock.
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
    v_is_known boolean;
    v_meets_strangers boolean;
    v_judged topup.fact;
    v_alike uuid;
BEGIN
    SELECT
        EXISTS (SELECT FROM topup.events AS e WHERE e.event_id IN (p_fact.event_id, v_hold_id))
        OR EXISTS (
            SELECT FROM unnest(p_facts) AS f WHERE f.event_id IN (p_fact.event_id, v_hold_id)
        ),
        EXISTS (
            SELECT FROM topup.events AS e
            WHERE
                e.tx_ref IS NULL
                AND e.type = 'payment.received'
                AND e.data ->> 'order_code' = p_fact.data ->> 'order_code'
        )
        OR EXISTS (
            SELECT FROM unnest(p_facts) AS f WHERE f.tx_ref IS NULL AND f.type = 'payment.received'
        )
    INTO v_is_known, v_meets_strangers;
    IF v_is_known THEN
        v_judged := topup.judge_known(p_fact, v_hold_id, p_facts);
        IF v_judged.event_id IS NOT NULL THEN
            RETURN v_judged;
        END IF;
    END IF;

    v_fact.is_new := true;
    IF p_fact.type <> 'payment.received' OR (
        p_topup.amount_paid = 0
        AND p_fact.data ->> 'source' IS DISTINCT FROM 'payos.get'
        AND p_fact.data ->> 'unmatched' IS DISTINCT FROM 'reference.missing'
        AND NOT v_meets_strangers
    ) THEN
        RETURN v_fact; -- the usual case: a webhook with the first money of a top-up
    END IF;

    v_alike := topup.find_alike(p_fact, p_facts);
    IF v_alike IS NOT NULL THEN
        v_fact.type := 'payment.conflict';
        v_fact.data := p_fact.data
            || jsonb_build_object('held_event_id', p_fact.event_id, 'conflicts_with', v_alike);
        v_fact.event_id := v_hold_id;
        v_fact.is_new := NOT v_is_known; -- else it is held already
    END IF;
    RETURN v_fact;
END
$$;
