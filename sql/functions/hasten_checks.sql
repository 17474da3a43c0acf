-- hasten_checks: it is time to ask PayOS about these top-ups, also just after opening; for each
--           again only after the first step of the schedule. What is being asked about is asked
--           about once more.
-- Raises:   nothing.
-- Locks:    rows of payos_checks that are free.
-- Notifies: nothing.
-- Why a door: a payer is back from PayOS, perhaps having called it off there, and no webhook tells
--           of that. Beside nudge_checks, which waits for one: with a limit of its own, so that
--           who looked at the page before need not wait.
CREATE OR REPLACE FUNCTION topup.hasten_checks(p_tx_refs text[])
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE topup.payos_checks AS c SET
        next_at = least(c.next_at, clock_timestamp()),
        doubtful = c.doubtful OR c.claimed_until IS NOT NULL,
        hastened_at = clock_timestamp()
    WHERE c.tx_ref IN (
        SELECT d.tx_ref
        FROM topup.payos_checks AS d
        INNER JOIN topup.topups AS t ON t.tx_ref = d.tx_ref
        WHERE
            d.tx_ref = ANY (p_tx_refs)
            AND t.status <> 'confirmed'
            AND coalesce(d.hastened_at, '-infinity') <= clock_timestamp()
                - make_interval(secs => (topup.check_schedule())[1])
        FOR UPDATE OF d SKIP LOCKED
    )
$$;

GRANT EXECUTE ON FUNCTION topup.hasten_checks(text[]) TO topup_app;
