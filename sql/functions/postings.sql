-- postings: the ledger postings of one event; p_user_id owns its top-up, null in suspense. Money
--           of a conflict that was accepted comes from clearing: it was never posted before.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      the projection writes them and audit.drift() expects them; they sum to zero.
CREATE OR REPLACE FUNCTION topup.postings(p_event topup.events, p_user_id bigint)
RETURNS TABLE (account text, user_id bigint, amount bigint)
LANGUAGE plpgsql
IMMUTABLE
ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    SELECT
        CASE WHEN p_event.data ? 'suspense_event_id' THEN 'suspense' ELSE 'payos:clearing' END,
        NULL::bigint,
        -(p_event.data ->> 'amount')::bigint
    WHERE p_event.type IN ('payment.received', 'suspense.assigned')
    UNION ALL
    SELECT
        coalesce('wallet:' || p_user_id::text, 'suspense'),
        p_user_id,
        (p_event.data ->> 'amount')::bigint
    WHERE p_event.type IN ('payment.received', 'suspense.assigned');
END
$$;
