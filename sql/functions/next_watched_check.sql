-- next_watched_check: when PayOS is asked at the latest about a top-up that somebody streams at
--           p_now and may still pay; null when nobody does.
-- Raises:   22P02 when the session was given something else than a number.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      a payer who waits before a page that is open all the time makes no request that could
--           nudge, and a webhook may be lost. The distance is a setting of the application
--           (NAPVI_RECONCILE_WATCHED_SECONDS), which its sessions bring along.
CREATE OR REPLACE FUNCTION topup.next_watched_check(p_topup topup.topups, p_now timestamptz)
RETURNS timestamptz
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF
        p_topup.status NOT IN ('pending', 'underpaid')
        OR p_now >= topup.payable_until(p_topup.expires_at)
        OR NOT EXISTS (
            SELECT FROM topup.stream_leases AS l
            WHERE
                l.user_id = p_topup.user_id AND l.tx_ref = p_topup.tx_ref AND l.ended IS NULL
        )
    THEN
        RETURN NULL;
    END IF;
    RETURN p_now + make_interval(
        secs => coalesce(
            nullif(current_setting('napvi.watched_seconds', true), ''), '90'
        )::double precision
    );
END
$$;
