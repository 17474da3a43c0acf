-- close_streams: gives leases back.
-- Raises:   nothing; a lease that is gone stays gone.
-- Locks:    the rows, in their order.
-- Notifies: nothing.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.close_streams(p_worker_id integer, p_stream_ids bigint[])
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
        WHERE o.worker_id = p_worker_id AND o.stream_id = ANY (p_stream_ids)
        ORDER BY o.stream_id
        FOR UPDATE
    )
$$;

GRANT EXECUTE ON FUNCTION topup.close_streams(integer, bigint[]) TO topup_app;
