-- find_alike: the event id of a transfer of the same payment link, amount and minute that may be
--           p_fact under another reference: one of them has none; or one was told by a webhook, the
--           other by GET, in an answer that does not list the first. Null if there is none.
-- Raises:   nothing.
-- Locks:    expects those of topup.lock_facts.
-- Notifies: nothing.
-- Why:      an answer that lists both references has proved them to be two transfers, but which one
--           a transfer without a reference is, no answer tells. A time that could not be read may
--           be any. What is in suspense counts as well, assigned or not.
CREATE OR REPLACE FUNCTION topup.find_alike(p_fact topup.fact, p_facts topup.fact[])
RETURNS uuid
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_order_code CONSTANT text := p_fact.data ->> 'order_code';
    v_unnamed CONSTANT boolean :=
        coalesce(p_fact.data ->> 'unmatched' = 'reference.missing', false);
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
            SELECT f.event_id, f.data FROM unnest(p_facts) AS f
            WHERE
                f.type = 'payment.received'
                AND (
                    f.tx_ref = ANY (v_tx_refs)
                    OR f.tx_ref IS NULL AND f.data ->> 'order_code' = v_order_code
                )
        ) AS o
        WHERE
            o.data ->> 'amount' = p_fact.data ->> 'amount'
            AND coalesce(
                o.data ->> 'payment_link_id' = p_fact.data ->> 'payment_link_id', true
            )
            AND coalesce(
                left(o.data ->> 'transaction_at', length('2026-01-02T03:04'))
                = left(p_fact.data ->> 'transaction_at', length('2026-01-02T03:04')),
                true
            )
            AND CASE
                WHEN coalesce(o.data ->> 'unmatched' = 'reference.missing', false) <> v_unnamed
                    THEN true
                WHEN p_fact.data ->> 'source' = 'payos.get' THEN
                    o.data ->> 'source' IS DISTINCT FROM 'payos.get'
                    AND NOT coalesce(p_fact.data -> 'listed' ? (o.data ->> 'reference'), false)
                WHEN o.data ->> 'source' = 'payos.get' THEN
                    NOT coalesce(o.data -> 'listed' ? (p_fact.data ->> 'reference'), false)
                ELSE false
            END
        LIMIT 1
    );
END
$$;
