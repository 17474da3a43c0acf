-- next_check: when PayOS is asked next about a top-up, after p_now; null when never again.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      a webhook may be lost. The steps of the schedule, then its last one again and again,
--           once more when the time to pay is over, and the last time 48 hours later. A confirmed
--           top-up waits for those two: a surplus may have come meanwhile.
CREATE OR REPLACE FUNCTION topup.next_check(
    p_topup topup.topups, p_now timestamptz, p_schedule double precision[]
)
RETURNS timestamptz
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT min(c.at)
        FROM (
            SELECT topup.payable_until(p_topup.expires_at) AS at
            UNION ALL
            SELECT p_topup.expires_at + interval '48 hours'
            UNION ALL
            SELECT p_topup.opened_at + make_interval(secs => s.seconds)
            FROM unnest(trim_array(p_schedule, 1)) AS s (seconds)
            WHERE p_topup.status <> 'confirmed'
            UNION ALL
            SELECT p_now + make_interval(secs => p_schedule[cardinality(p_schedule)])
            WHERE p_topup.status <> 'confirmed'
        ) AS c
        WHERE c.at > p_now AND c.at <= p_topup.expires_at + interval '48 hours'
    );
END
$$;
