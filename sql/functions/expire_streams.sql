-- expire_streams: marks the streams of this worker whose login is over, and forgets the leases of
--           workers that died.
-- Raises:   nothing.
-- Locks:    the rows.
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
    WHERE
        l.worker_id = p_worker_id
        AND l.ended IS NULL
        AND NOT EXISTS (
            SELECT FROM topup.sessions AS s
            WHERE
                s.session_hash = l.session_hash AND topup.session_is_open(s, p_idle_seconds)
        );

    DELETE FROM topup.stream_leases AS l
    WHERE l.worker_id IN (
        SELECT w.worker_id
        FROM (SELECT DISTINCT o.worker_id FROM topup.stream_leases AS o) AS w
        WHERE w.worker_id <> p_worker_id AND NOT topup.worker_is_alive(w.worker_id)
    );
END
$$;

GRANT EXECUTE ON FUNCTION topup.expire_streams(integer, double precision) TO topup_app;
