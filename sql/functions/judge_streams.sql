-- judge_streams: for each stream that is asked for, whether its login is open, the top-up belongs
--           to that user, and there is anything left to stream.
-- Raises:   nothing.
-- Locks:    rows of sessions that it keeps awake, in their order.
-- Notifies: nothing.
-- Why:      a foreign top-up and an unknown one must look the same, so one join decides on both.
CREATE OR REPLACE FUNCTION topup.judge_streams(
    p_stream_ids bigint[],
    p_session_hashes bytea[],
    p_tx_refs text[],
    p_afters bigint[],
    p_idle_seconds double precision,
    p_grace_seconds double precision
)
RETURNS topup.stream_opening[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT array_agg(
            ROW(
                r.stream_id,
                CASE
                    WHEN s.user_id IS NULL THEN 'not_logged_in'
                    WHEN t.tx_ref IS NULL THEN 'not_found'
                    WHEN
                        t.seq = r.after
                        AND topup.is_over(t.status, t.closed_at, p_grace_seconds)
                    THEN 'finished'
                    ELSE 'open'
                END,
                s.user_id, r.session_hash, r.tx_ref
            )::topup.stream_opening
        )
        FROM (
            SELECT a.stream_id, a.session_hash, a.tx_ref, a.after
            FROM unnest(p_stream_ids, p_session_hashes, p_tx_refs, p_afters)
                AS a (stream_id, session_hash, tx_ref, after)
            ORDER BY a.session_hash
        ) AS r
        LEFT JOIN LATERAL topup.touch_session(r.session_hash, p_idle_seconds) AS s ON true
        LEFT JOIN LATERAL ( -- by its index, however many the planner takes these for
            SELECT o.tx_ref, o.seq, o.status, o.closed_at FROM topup.topups AS o
            WHERE o.tx_ref = r.tx_ref AND o.user_id = s.user_id
            LIMIT 1
        ) AS t ON true
    );
END
$$;
