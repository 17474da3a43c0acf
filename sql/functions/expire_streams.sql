-- expire_streams: marks the streams of this worker whose login is over, and forgets the leases of
--           workers that died.
-- Raises:   nothing.
-- Locks:    the rows of this worker, in their order; others only if they are free.
-- Notifies: nothing; the worker takes them next.
-- Why:      a login can end by time alone, which notifies nobody. One statement for all streams.
CREATE OR REPLACE FUNCTION topup.expire_streams(
    p_worker_id integer, p_idle_seconds double precision
)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE topup.stream_leases AS l SET ended = 'login_ended'
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
        WHERE
            o.worker_id = p_worker_id
            AND o.ended IS NULL
            AND NOT EXISTS (
                SELECT FROM topup.sessions AS s
                WHERE
                    s.session_hash = o.session_hash
                    AND topup.session_is_open(s, p_idle_seconds)
            )
        ORDER BY o.stream_id
        FOR UPDATE OF o
    );

    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT d.worker_id, d.stream_id FROM topup.stream_leases AS d
        WHERE d.worker_id IN (
            SELECT w.worker_id
            FROM (SELECT DISTINCT o.worker_id FROM topup.stream_leases AS o) AS w
            WHERE w.worker_id <> p_worker_id AND NOT topup.worker_is_alive(w.worker_id)
        )
        FOR UPDATE OF d SKIP LOCKED
    );
END
$$;

GRANT EXECUTE ON FUNCTION topup.expire_streams(integer, double precision) TO topup_app;
