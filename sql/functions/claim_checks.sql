-- claim_checks: takes, the urgent ones first, up to p_at_once top-ups about which it is time to ask
--           PayOS, less what is being asked anywhere. What was confirmed meanwhile is put off,
--           unless a transfer is in doubt, or a process died while it asked.
-- Raises:   nothing.
-- Locks:    one advisory lock, then rows of payos_checks that are free, until the commit. Returns
--           nothing while another process claims.
-- Notifies: nothing.
-- Why a door: of all processes one at a time takes work, and PayOS gets p_at_once questions at a
--           time however many there are. A claim ends after p_lease_seconds: its process is dead.
CREATE OR REPLACE FUNCTION topup.claim_checks(
    p_at_once integer, p_lease_seconds double precision
)
RETURNS SETOF text
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off -- a plan made while the tables were small shall do for large ones
AS $$
DECLARE
    v_now timestamptz;
    v_lease CONSTANT interval := make_interval(secs => p_lease_seconds);
    v_room integer;
    v_due text[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('topup.payos_checks', 0)) THEN
        RETURN;
    END IF;
    v_now := clock_timestamp();
    SELECT (p_at_once - count(*))::integer INTO v_room
    FROM topup.payos_checks AS c WHERE c.claimed_until > v_now;
    IF v_room <= 0 THEN
        RETURN;
    END IF;

    v_due := ARRAY(
        SELECT c.tx_ref FROM topup.payos_checks AS c
        WHERE c.urgent AND c.next_at <= v_now AND (c.claimed_until > v_now) IS NOT TRUE
        ORDER BY c.next_at
        LIMIT 256
        FOR UPDATE SKIP LOCKED
    ) || ARRAY(
        SELECT c.tx_ref FROM topup.payos_checks AS c
        WHERE c.next_at <= v_now AND (c.claimed_until > v_now) IS NOT TRUE
        ORDER BY c.next_at
        LIMIT 256
        FOR UPDATE SKIP LOCKED
    );
    UPDATE topup.payos_checks AS c SET
        next_at = topup.payable_until(t.expires_at), urgent = false
    FROM topup.topups AS t
    WHERE
        c.tx_ref = ANY (v_due) AND NOT c.doubtful AND c.claimed_until IS NULL
        AND t.tx_ref = c.tx_ref
        AND t.status = 'confirmed'
        AND topup.payable_until(t.expires_at) > v_now;

    RETURN QUERY
    UPDATE topup.payos_checks AS c
    SET next_at = v_now + v_lease, claimed_until = v_now + v_lease, doubtful = false
    WHERE c.tx_ref IN (
        SELECT d.tx_ref FROM topup.payos_checks AS d
        WHERE d.tx_ref = ANY (v_due) AND d.next_at <= v_now
        ORDER BY d.urgent DESC, d.next_at
        LIMIT v_room
    )
    RETURNING c.tx_ref;
END
$$;

GRANT EXECUTE ON FUNCTION topup.claim_checks(integer, double precision) TO topup_app;
