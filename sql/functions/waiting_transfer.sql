-- waiting_transfer: the event of a transfer that a person may credit: in suspense, or a conflict.
--           Null for every other event id, a conflict about a transaction that failed included.
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      what may become money is said once. Whether it has been credited by now, the event id
--           of the assignment tells.
CREATE OR REPLACE FUNCTION topup.waiting_transfer(p_event_id uuid)
RETURNS topup.events
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT e FROM topup.events AS e
    WHERE
        e.event_id = p_event_id
        AND (
            e.type = 'payment.received' AND e.tx_ref IS NULL
            OR e.type = 'payment.conflict' AND coalesce(e.data ->> 'code', '00') = '00'
        )
$$;
