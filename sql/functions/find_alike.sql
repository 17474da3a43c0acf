-- find_alike: the event id of a transfer that may be p_fact under another reference, by
--           topup.is_alike. Null if there is none.
-- Raises:   nothing.
-- Locks:    expects those of topup.tx_refs_to_lock.
-- Notifies: nothing.
-- Why:      looks wherever the transfer may have gone. What is in suspense counts, assigned or not;
--           so does what was held until a person accepted it.
CREATE OR REPLACE FUNCTION topup.find_alike(p_fact topup.fact, p_facts topup.fact[])
RETURNS uuid
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_order_code CONSTANT text := p_fact.data ->> 'order_code';
    -- Those that may have got the transfer, by whichever rule.
    v_tx_refs CONSTANT text[] := p_fact.tx_ref
        || ARRAY(SELECT t.tx_ref FROM topup.topups AS t WHERE t.order_code = v_order_code::bigint)
        || ARRAY(SELECT jsonb_array_elements_text(p_fact.data -> 'description_tx_refs'));
BEGIN
    RETURN (
        SELECT o.event_id
        FROM (
            SELECT e.event_id, e.data FROM topup.events AS e
            WHERE e.tx_ref = ANY (v_tx_refs) AND e.type = 'payment.received'
            UNION ALL
            SELECT e.event_id, e.data FROM topup.events AS e
            WHERE
                e.tx_ref IS NULL
                AND e.type = 'payment.received'
                AND e.data ->> 'order_code' = v_order_code
            UNION ALL
            SELECT e.event_id, e.data FROM topup.events AS e
            INNER JOIN topup.events AS a ON a.event_id = (e.data ->> 'held_event_id')::uuid
            WHERE
                e.tx_ref = ANY (v_tx_refs)
                AND e.type = 'payment.conflict'
                AND a.type = 'suspense.assigned'
                AND (a.data ->> 'conflict_event_id')::uuid = e.event_id
            UNION ALL
            SELECT e.event_id, e.data FROM topup.events AS e
            INNER JOIN topup.events AS a ON a.event_id = (e.data ->> 'held_event_id')::uuid
            WHERE
                e.tx_ref IS NULL
                AND e.type = 'payment.conflict'
                AND e.data ->> 'order_code' = v_order_code
                AND a.type = 'suspense.assigned'
                AND (a.data ->> 'conflict_event_id')::uuid = e.event_id
            UNION ALL
            SELECT f.event_id, f.data FROM unnest(p_facts) AS f
            WHERE
                f.type = 'payment.received'
                AND (
                    f.tx_ref = ANY (v_tx_refs)
                    OR f.tx_ref IS NULL AND f.data ->> 'order_code' = v_order_code
                )
        ) AS o
        WHERE topup.is_alike(p_fact.data, o.data)
        LIMIT 1
    );
END
$$;
