-- limit_streams: brings one user back to p_per_user_max streams: the oldest are told to end; while
--           all are younger than p_spare_seconds, the newest of p_stream_ids get no lease.
-- Raises:   nothing.
-- Locks:    the user's rows that are free; expects the lock of topup.open_streams.
-- Notifies: worker:<worker_id> of each process that has to end one.
-- Why:      refusing the newest would lock a payer out behind connections that died unnoticed;
--           ending the youngest would let two tabs end each other for ever.
CREATE OR REPLACE FUNCTION topup.limit_streams(
    p_user_id bigint,
    p_worker_id integer,
    p_stream_ids bigint[],
    p_per_user_max integer,
    p_spare_seconds double precision
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_leases topup.stream_leases[];
    v_excess integer;
    v_worker_id integer;
    v_old_enough CONSTANT timestamptz :=
        clock_timestamp() - make_interval(secs => p_spare_seconds);
BEGIN
    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT d.worker_id, d.stream_id FROM topup.stream_leases AS d
        WHERE d.user_id = p_user_id AND d.worker_id IN (
            SELECT w.worker_id
            FROM (
                SELECT DISTINCT o.worker_id FROM topup.stream_leases AS o
                WHERE o.user_id = p_user_id AND o.worker_id <> p_worker_id
            ) AS w
            WHERE NOT topup.worker_is_alive(w.worker_id)
        )
        FOR UPDATE OF d SKIP LOCKED
    );

    v_leases := ARRAY( -- whoever holds a row is ending or closing that stream
        SELECT l FROM topup.stream_leases AS l
        WHERE l.user_id = p_user_id AND l.ended IS NULL
        FOR UPDATE SKIP LOCKED
    );
    v_excess := cardinality(v_leases) - p_per_user_max;
    FOR v_worker_id IN
        UPDATE topup.stream_leases AS l SET ended = 'superseded'
        WHERE (l.worker_id, l.stream_id) IN (
            SELECT o.worker_id, o.stream_id FROM unnest(v_leases) AS o
            WHERE o.opened_at <= v_old_enough
            ORDER BY o.opened_at, o.worker_id, o.stream_id
            LIMIT greatest(v_excess, 0)
        )
        RETURNING l.worker_id
    LOOP
        v_excess := v_excess - 1;
        PERFORM topup.notify_if_room('worker:' || v_worker_id, '');
    END LOOP;

    DELETE FROM topup.stream_leases AS l
    WHERE l.worker_id = p_worker_id AND l.stream_id = ANY (ARRAY(
        SELECT n.stream_id FROM topup.stream_leases AS n
        WHERE n.worker_id = p_worker_id AND n.stream_id = ANY (p_stream_ids)
        ORDER BY n.stream_id DESC
        LIMIT greatest(v_excess, 0)
        FOR UPDATE SKIP LOCKED
    ));
END
$$;
