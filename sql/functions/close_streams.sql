-- close_streams: gives leases back.
-- Raises:   nothing; a lease that is gone stays gone.
-- Locks:    the rows, each user's in turn: the order of all that lock several.
-- Notifies: nothing.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.close_streams(p_worker_id integer, p_stream_ids bigint[])
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM topup.stream_leases AS l
    WHERE
        l.worker_id = p_worker_id
        AND l.stream_id IN (
            SELECT c.stream_id FROM topup.stream_leases AS c
            WHERE c.worker_id = p_worker_id AND c.stream_id = ANY (p_stream_ids)
            ORDER BY c.user_id, c.worker_id, c.stream_id
            FOR UPDATE
        )
$$;

GRANT EXECUTE ON FUNCTION topup.close_streams(integer, bigint[]) TO topup_app;
