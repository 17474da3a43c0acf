-- reconcile_streams: makes the leases of this worker those of the streams that it has.
-- Raises:   nothing.
-- Locks:    the rows, in their order.
-- Notifies: nothing.
-- Why:      the table is unlogged and a worker that lost its lock is taken for dead, so after each
--           reconnect it says again what it streams.
CREATE OR REPLACE FUNCTION topup.reconcile_streams(
    p_worker_id integer,
    p_stream_ids bigint[],
    p_user_ids bigint[],
    p_session_hashes bytea[],
    p_tx_refs text[]
)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
        WHERE
            o.worker_id = p_worker_id
            AND NOT EXISTS (SELECT FROM unnest(p_stream_ids) AS r (id) WHERE r.id = o.stream_id)
        ORDER BY o.stream_id
        FOR UPDATE OF o
    );

    INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref)
    SELECT p_worker_id, r.stream_id, r.user_id, r.session_hash, r.tx_ref
    FROM unnest(p_stream_ids, p_user_ids, p_session_hashes, p_tx_refs)
        AS r (stream_id, user_id, session_hash, tx_ref)
    WHERE NOT EXISTS ( -- a conflict would wait for whoever is ending that stream
        SELECT FROM topup.stream_leases AS l
        WHERE l.worker_id = p_worker_id AND l.stream_id = r.stream_id
    )
    ON CONFLICT (worker_id, stream_id) DO NOTHING;
END
$$;

GRANT EXECUTE ON FUNCTION topup.reconcile_streams(
    integer, bigint[], bigint[], bytea[], text[]
) TO topup_app;
