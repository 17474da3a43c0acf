-- postings: the ledger postings of one event, none if it moves no money; p_user_id owns its
--           top-up, null in suspense. Money of a conflict that was accepted comes from clearing: it
--           was never posted before.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      the projection writes them and audit.drift() expects them; they sum to zero.
CREATE OR REPLACE FUNCTION topup.postings(p_event topup.events, p_user_id bigint)
RETURNS topup.posting[]
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_amount bigint;
BEGIN
    IF p_event.type NOT IN ('payment.received', 'suspense.assigned') THEN
        RETURN ARRAY[]::topup.posting[];
    END IF;
    v_amount := (p_event.data ->> 'amount')::bigint; -- of other events it may be anything
    RETURN ARRAY[
        ROW(
            CASE WHEN p_event.data ? 'suspense_event_id' THEN 'suspense' ELSE 'payos:clearing' END,
            NULL,
            -v_amount
        )::topup.posting,
        ROW(coalesce('wallet:' || p_user_id::text, 'suspense'), p_user_id, v_amount)::topup.posting
    ];
END
$$;
