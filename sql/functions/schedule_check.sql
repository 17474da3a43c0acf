-- schedule_check: notes that PayOS is to be asked about this top-up: after it was opened, by the
--           schedule; after a transfer of it was held for review, at once.
-- Raises:   nothing.
-- Locks:    its row of payos_checks.
-- Notifies: nothing; the reconciler looks every second.
-- Why:      in the commit of the event, so that no crash leaves a top-up that nobody asks about.
CREATE OR REPLACE FUNCTION topup.schedule_check(p_tx_ref text, p_doubtful boolean)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO topup.payos_checks AS c (tx_ref, next_at, doubtful, urgent)
    SELECT t.tx_ref, n.at, p_doubtful, p_doubtful OR topup.is_urgent(t, n.at)
    FROM topup.topups AS t
    CROSS JOIN LATERAL (
        SELECT coalesce(
            CASE WHEN NOT p_doubtful
                THEN topup.next_check(t, clock_timestamp(), topup.check_schedule())
            END,
            clock_timestamp()
        ) AS at
    ) AS n
    WHERE t.tx_ref = p_tx_ref AND t.order_code IS NOT NULL
    ON CONFLICT (tx_ref) DO UPDATE SET
        next_at = least(c.next_at, excluded.next_at),
        doubtful = c.doubtful OR excluded.doubtful,
        urgent = c.urgent OR excluded.urgent;
END
$$;
