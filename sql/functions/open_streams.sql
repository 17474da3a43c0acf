-- open_streams: judges who may open these streams (login, ownership, limit) and leases those that
--           may: open, finished (p_after is the end), not_logged_in, not_found, too_many.
-- Raises:   nothing.
-- Locks:    each user's streams (topup.lock_streams), then sessions that it keeps awake, in order.
-- Notifies: worker:<worker_id> of each process that has to end an older stream.
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
SET plan_cache_mode = force_generic_plan -- to plan anew costs more than to run
SET enable_seqscan = off -- a plan made while the tables were small shall do for large ones
AS $$
DECLARE
    v_openings topup.stream_opening[];
    v_user record;
BEGIN
    PERFORM topup.lock_streams(p_session_hashes);
    v_openings := topup.judge_streams(
        p_stream_ids, p_session_hashes, p_tx_refs, p_afters, p_idle_seconds, p_grace_seconds
    );
    INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref)
    SELECT p_worker_id, o.stream_id, o.user_id, o.session_hash, o.tx_ref
    FROM unnest(v_openings) AS o
    WHERE o.verdict = 'open'
    ON CONFLICT (worker_id, stream_id) DO NOTHING; -- the answer of the first try was lost

    FOR v_user IN
        SELECT o.user_id, array_agg(o.stream_id) AS stream_ids FROM unnest(v_openings) AS o
        WHERE o.verdict = 'open'
        GROUP BY o.user_id
        HAVING p_per_user_max < (
            SELECT count(*) FROM topup.stream_leases AS l
            WHERE l.user_id = o.user_id AND l.ended IS NULL
        )
    LOOP
        PERFORM topup.limit_streams(
            v_user.user_id, p_worker_id, v_user.stream_ids, p_per_user_max, p_spare_seconds
        );
    END LOOP;

    RETURN QUERY
    SELECT
        o.stream_id,
        CASE WHEN o.verdict = 'open' AND l.stream_id IS NULL THEN 'too_many' ELSE o.verdict END,
        o.user_id, o.session_hash, o.tx_ref
    FROM unnest(v_openings) AS o
    LEFT JOIN topup.stream_leases AS l
        ON l.worker_id = p_worker_id AND l.stream_id = o.stream_id;
END
$$;

GRANT EXECUTE ON FUNCTION topup.open_streams(
    integer, bigint[], bytea[], text[], bigint[],
    double precision, double precision, integer, double precision
) TO topup_app;
