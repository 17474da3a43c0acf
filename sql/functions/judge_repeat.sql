-- judge_repeat: the fact as payment.conflict if it brings money that may be known already: other
--           money under a taken event id, or the same money under another reference; else as it
--           is. p_topup: its top-up as p_facts, judged before it, leave that.
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
    v_recorded jsonb := coalesce(
        (SELECT e.data FROM topup.events AS e WHERE e.event_id = p_fact.event_id),
        (SELECT f.data FROM unnest(p_facts) AS f WHERE f.event_id = p_fact.event_id LIMIT 1)
    );
    v_alike uuid;
BEGIN
    IF v_recorded IS NOT NULL THEN
        IF
            v_recorded ->> 'amount' IS DISTINCT FROM v_fact.data ->> 'amount'
            OR v_recorded ->> 'order_code' IS DISTINCT FROM v_fact.data ->> 'order_code'
        THEN
            v_fact.type := 'payment.conflict';
            v_fact.data := v_fact.data || jsonb_build_object('conflicts_with', v_fact.event_id);
            v_fact.event_id := topup.derived_event_id(concat_ws(
                '/', v_fact.event_id, v_fact.data ->> 'order_code', v_fact.data ->> 'amount'
            ));
        END IF;
        RETURN v_fact;
    END IF;

    IF v_fact.type <> 'payment.received' OR (
        p_topup.amount_paid = 0
        AND v_fact.data ->> 'source' IS DISTINCT FROM 'payos.get'
        AND v_fact.data ->> 'unmatched' IS DISTINCT FROM 'reference.missing'
        AND NOT EXISTS (
            SELECT FROM unnest(p_facts) AS f
            WHERE f.tx_ref IS NULL AND f.type = 'payment.received'
        )
        AND NOT EXISTS (
            SELECT FROM topup.events AS e
            WHERE
                e.tx_ref IS NULL
                AND e.type = 'payment.received'
                AND e.data ->> 'order_code' = v_fact.data ->> 'order_code'
        )
    ) THEN
        RETURN v_fact; -- the usual case: a webhook with the first money of a top-up
    END IF;
    v_alike := topup.find_alike(v_fact, p_facts);
    IF v_alike IS NOT NULL THEN
        v_fact.type := 'payment.conflict';
        v_fact.data := v_fact.data
            || jsonb_build_object('held_event_id', v_fact.event_id, 'conflicts_with', v_alike);
        v_fact.event_id := topup.derived_event_id(v_fact.event_id || '/held');
    END IF;
    RETURN v_fact;
END
$$;
