-- finish_check: gives a claim back and says when to ask next, sooner while somebody streams it;
--           without an answer of PayOS, after the first step of the schedule, twice as long each
--           time in a row, and never: that was all.
-- Raises:   nothing.
-- Locks:    its row of payos_checks.
-- Notifies: nothing.
-- Why a door: the application may not write a table. A doubt that came after the claim was not
--           answered, so it is asked about at its own time; without an answer there is doubt again.
CREATE OR REPLACE FUNCTION topup.finish_check(p_tx_ref text, p_answered boolean)
RETURNS void
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_schedule CONSTANT double precision [] := topup.check_schedule();
    v_now CONSTANT timestamptz := clock_timestamp();
    v_asked CONSTANT integer := (
        SELECT c.asked FROM topup.payos_checks AS c WHERE c.tx_ref = p_tx_ref
    );
    v_topup CONSTANT topup.topups := (
        SELECT t FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref
    );
    v_next_at CONSTANT timestamptz := least(
        topup.next_watched_check(v_topup, v_now),
        CASE
            WHEN p_answered THEN topup.next_check(v_topup, v_now, v_schedule)
            ELSE v_now + make_interval(secs => least(
                v_schedule[1] * 2 ^ least(v_asked, 20), v_schedule[cardinality(v_schedule)]
            ))
        END
    );
BEGIN
    DELETE FROM topup.payos_checks AS c
    WHERE c.tx_ref = p_tx_ref AND v_next_at IS NULL AND NOT c.doubtful;
    UPDATE topup.payos_checks AS c SET
        next_at = coalesce(
            CASE WHEN NOT c.doubtful THEN v_next_at END, least(c.next_at, v_next_at)
        ),
        asked = CASE WHEN p_answered THEN 0 ELSE c.asked + 1 END,
        claimed_until = NULL,
        doubtful = c.doubtful OR NOT p_answered,
        urgent = CASE
            WHEN p_answered THEN c.doubtful OR topup.is_urgent(v_topup, v_next_at)
            ELSE c.urgent
        END
    WHERE c.tx_ref = p_tx_ref;
END
$$;

GRANT EXECUTE ON FUNCTION topup.finish_check(text, boolean) TO topup_app;
