-- open_streams: judges who may open these streams (login, ownership, limit) and leases those that
--           may: open, finished (p_after is the end), not_logged_in, not_found, too_many.
-- Raises:   not_null_violation for a stream without a number.
-- Locks:    sessions that it keeps awake, in their order; then as topup.lease_streams.
-- Notifies: as topup.lease_streams.
-- Why a door: one statement for all that wait: thousands of browsers come back after a restart.
CREATE OR REPLACE FUNCTION topup.open_streams(
    p_worker_id integer,
    p_stream_ids bigint[],
    p_session_hashes bytea[],
    p_tx_refs text[],
    p_afters bigint[],
    p_idle_seconds double precision,
    p_grace_seconds double precision,
    p_per_user_max integer,
    p_spare_seconds double precision
)
RETURNS SETOF topup.stream_opening
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_openings CONSTANT topup.stream_opening[] := topup.judge_streams(
        p_stream_ids, p_session_hashes, p_tx_refs, p_afters, p_idle_seconds, p_grace_seconds
    );
BEGIN
    PERFORM topup.lease_streams(p_worker_id, v_openings, p_per_user_max, p_spare_seconds);

    RETURN QUERY
    SELECT
        o.stream_id,
        CASE
            WHEN o.verdict <> 'open' OR l.stream_id IS NOT NULL THEN o.verdict
            WHEN s.revoked_at IS NULL THEN 'too_many'
            ELSE 'not_logged_in'
        END,
        o.user_id, o.session_hash, o.tx_ref
    FROM unnest(v_openings) AS o
    LEFT JOIN topup.stream_leases AS l
        ON l.worker_id = p_worker_id AND l.stream_id = o.stream_id
    LEFT JOIN topup.sessions AS s ON s.session_hash = o.session_hash;
END
$$;

GRANT EXECUTE ON FUNCTION topup.open_streams(
    integer, bigint[], bytea[], text[], bigint[],
    double precision, double precision, integer, double precision
) TO topup_app;
