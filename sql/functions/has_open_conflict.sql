-- has_open_conflict: whether a transfer came for a top-up by p_seq that waits for a person now: a
--           payment.conflict that nobody accepted, and that was not recorded under its own event
--           id meanwhile. audit.conflicts shows all of them.
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      a person may give the money to another top-up, and then this one has no event of it:
--           the whole log tells, not the newest event.
CREATE OR REPLACE FUNCTION topup.has_open_conflict(p_tx_ref text, p_seq bigint)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan -- to plan anew costs more than to run
SET enable_seqscan = off -- a plan made while the tables were small shall do for large ones
AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM topup.events AS c
        WHERE
            c.tx_ref = p_tx_ref
            AND c.seq <= p_seq
            -- Checked, not looked up: a top-up has a few events, all conflicts may be many.
            AND (c.type = 'payment.conflict') IS TRUE
            AND coalesce(c.data ->> 'code', '00') = '00'
            AND NOT EXISTS (
                SELECT FROM topup.events AS a WHERE a.event_id = topup.crediting_event_id(c)
            )
    );
END
$$;

GRANT EXECUTE ON FUNCTION topup.has_open_conflict(text, bigint) TO topup_app;
