-- nudge_checks: PayOS is asked about these top-ups in p_wait_seconds, if it was not to be asked
--           before; not again within the first step of the schedule, and not just after opening.
-- Raises:   nothing.
-- Locks:    rows of payos_checks that are free.
-- Notifies: nothing.
-- Why a door: a payer is back from the bank and sees no money: the webhook has p_wait_seconds more.
--           Sets no urgency: only what can still be paid, or is in doubt, goes first. Of what is
--           over somebody may have any number, and look at it again and again.
CREATE OR REPLACE FUNCTION topup.nudge_checks(p_tx_refs text[], p_wait_seconds double precision)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE topup.payos_checks AS c SET
        next_at = clock_timestamp() + make_interval(secs => p_wait_seconds),
        nudged_at = clock_timestamp()
    WHERE c.tx_ref IN (
        SELECT d.tx_ref
        FROM topup.payos_checks AS d
        INNER JOIN topup.topups AS t ON t.tx_ref = d.tx_ref
        WHERE
            d.tx_ref = ANY (p_tx_refs)
            AND t.status <> 'confirmed'
            AND t.opened_at < clock_timestamp() - make_interval(secs => p_wait_seconds)
            AND d.claimed_until IS NULL
            AND d.next_at > clock_timestamp() + make_interval(secs => p_wait_seconds)
            AND coalesce(d.nudged_at, '-infinity') <= clock_timestamp()
                - make_interval(secs => (topup.check_schedule())[1])
        FOR UPDATE OF d SKIP LOCKED
    )
$$;

GRANT EXECUTE ON FUNCTION topup.nudge_checks(text[], double precision) TO topup_app;
