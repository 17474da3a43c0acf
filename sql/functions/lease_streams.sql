-- lease_streams: writes down the streams that were judged open, then sees to each user's limit.
-- Raises:   nothing.
-- Locks:    each user's streams, in user order; then the rows of those who have too many.
-- Notifies: worker:<worker_id> of each process that has to end an older stream.
-- Why:      a logout between judgement and lease would be missed; topup.revoke_session takes the
--           same lock, so under it the login either is open still or no lease is written.
CREATE OR REPLACE FUNCTION topup.lease_streams(
    p_worker_id integer,
    p_openings topup.stream_opening[],
    p_per_user_max integer,
    p_spare_seconds double precision
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_user record;
BEGIN
    PERFORM pg_advisory_xact_lock(7282, (u.user_id % 2147483647)::integer)
    FROM (
        SELECT DISTINCT o.user_id FROM unnest(p_openings) AS o WHERE o.verdict = 'open'
        ORDER BY o.user_id
    ) AS u;

    INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref)
    SELECT p_worker_id, o.stream_id, o.user_id, o.session_hash, o.tx_ref
    FROM unnest(p_openings) AS o
    INNER JOIN topup.sessions AS s ON s.session_hash = o.session_hash AND s.revoked_at IS NULL
    WHERE o.verdict = 'open'
    ON CONFLICT (worker_id, stream_id) DO NOTHING; -- the answer of the first try was lost

    FOR v_user IN
        SELECT o.user_id, array_agg(o.stream_id) AS stream_ids FROM unnest(p_openings) AS o
        WHERE o.verdict = 'open'
        GROUP BY o.user_id
        HAVING p_per_user_max < (
            SELECT count(*) FROM topup.stream_leases AS l
            WHERE l.user_id = o.user_id AND l.ended IS NULL
        )
        ORDER BY o.user_id
    LOOP
        PERFORM topup.limit_streams(
            v_user.user_id, p_worker_id, v_user.stream_ids, p_per_user_max, p_spare_seconds
        );
    END LOOP;
END
$$;
