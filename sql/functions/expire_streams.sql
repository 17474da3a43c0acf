-- expire_streams: marks the streams of this worker whose login is over, forgets the leases of
--           workers that died, and says how many leases this worker has.
-- Raises:   nothing.
-- Locks:    the rows, each user's in turn.
-- Notifies: nothing; the worker looks for them next.
-- Why:      a login can end by time alone, which notifies nobody. One statement for all streams.
CREATE OR REPLACE FUNCTION topup.expire_streams(
    p_worker_id integer, p_idle_seconds double precision
)
RETURNS bigint
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE topup.stream_leases AS l SET ended = 'login_ended'
    WHERE
        l.worker_id = p_worker_id
        AND l.stream_id IN (
            SELECT e.stream_id FROM topup.stream_leases AS e
            WHERE
                e.worker_id = p_worker_id
                AND e.ended IS NULL
                AND NOT EXISTS (
                    SELECT FROM topup.sessions AS s
                    WHERE
                        s.session_hash = e.session_hash
                        AND topup.session_is_open(s, p_idle_seconds)
                )
            ORDER BY e.user_id, e.worker_id, e.stream_id
            FOR UPDATE
        );

    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT d.worker_id, d.stream_id FROM topup.stream_leases AS d
        WHERE d.worker_id IN (
            SELECT w.worker_id
            FROM (SELECT DISTINCT o.worker_id FROM topup.stream_leases AS o) AS w
            WHERE w.worker_id <> p_worker_id AND NOT topup.worker_is_alive(w.worker_id)
        )
        ORDER BY d.user_id, d.worker_id, d.stream_id
        FOR UPDATE SKIP LOCKED -- by another worker that forgets them
    );

    RETURN (SELECT count(*) FROM topup.stream_leases AS l WHERE l.worker_id = p_worker_id);
END
$$;

GRANT EXECUTE ON FUNCTION topup.expire_streams(integer, double precision) TO topup_app;
