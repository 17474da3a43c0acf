-- find_alike: the event id of a transfer of the same top-up, amount and minute that may be p_fact
--           under another reference: one was told by a webhook, the other by GET, in an answer
--           that does not list the first. Null if there is none.
-- Raises:   nothing.
-- Locks:    expects those of topup.lock_facts.
-- Notifies: nothing.
-- Why:      an answer that lists both references has proved them to be two transfers. A time that
--           could not be read may be any. A webhook without a reference is in suspense, and may be
--           any transfer of its order code.
CREATE OR REPLACE FUNCTION topup.find_alike(p_fact topup.fact, p_facts topup.fact[])
RETURNS uuid
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.event_id
    FROM (
        SELECT e.event_id, e.data FROM topup.events AS e
        WHERE
            e.tx_ref = coalesce(
                p_fact.tx_ref,
                (
                    SELECT t.tx_ref FROM topup.topups AS t
                    WHERE t.order_code = (p_fact.data ->> 'order_code')::bigint
                )
            )
            AND e.type = 'payment.received'
        UNION ALL
        SELECT e.event_id, e.data FROM topup.events AS e
        WHERE
            e.tx_ref IS NULL
            AND e.type = 'payment.received'
            AND e.data ->> 'unmatched' = 'reference.missing'
            AND e.data ->> 'order_code' = p_fact.data ->> 'order_code'
        UNION ALL
        SELECT f.event_id, f.data FROM unnest(p_facts) AS f
        WHERE
            f.type = 'payment.received'
            AND (
                f.tx_ref = p_fact.tx_ref
                OR 'reference.missing' IN (f.data ->> 'unmatched', p_fact.data ->> 'unmatched')
                AND f.data ->> 'order_code' = p_fact.data ->> 'order_code'
            )
    ) AS o
    WHERE
        o.data ->> 'amount' = p_fact.data ->> 'amount'
        AND coalesce(
            left(o.data ->> 'transaction_at', length('2026-01-02T03:04'))
            = left(p_fact.data ->> 'transaction_at', length('2026-01-02T03:04')),
            true
        )
        AND CASE 'payos.get'
            WHEN p_fact.data ->> 'source' THEN
                o.data ->> 'source' IS DISTINCT FROM 'payos.get'
                AND NOT coalesce(p_fact.data -> 'listed' ? (o.data ->> 'reference'), false)
            WHEN o.data ->> 'source' THEN
                NOT coalesce(o.data -> 'listed' ? (p_fact.data ->> 'reference'), false)
            ELSE false
        END
    LIMIT 1
$$;
