-- take_ended_streams: the streams that this worker has to end, and why; their leases are gone.
-- Raises:   nothing.
-- Locks:    the rows.
-- Notifies: nothing.
-- Why:      a notification only says that there is something to take; the table says what.
CREATE OR REPLACE FUNCTION topup.take_ended_streams(p_worker_id integer)
RETURNS TABLE (stream_id bigint, ended text)
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM topup.stream_leases AS l
    WHERE l.worker_id = p_worker_id AND l.ended IS NOT NULL
    RETURNING l.stream_id, l.ended
$$;

GRANT EXECUTE ON FUNCTION topup.take_ended_streams(integer) TO topup_app;
