-- prune_link_claims: forgets up to p_rows_max claims that are over: of processes that died while
--           they got a payment link. Returns how many.
-- Raises:   nothing.
-- Locks:    one advisory lock, then the rows that are free, until the commit. Returns 0 while
--           another process prunes.
-- Notifies: nothing.
-- Why a door: the application may not write a table. A claim that is over binds nobody, and without
--           its key coming again nobody else would remove it.
CREATE OR REPLACE FUNCTION topup.prune_link_claims(p_rows_max integer)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_deleted integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('topup.prune', 0)) THEN
        RETURN 0;
    END IF;

    DELETE FROM topup.link_claims AS c
    WHERE c.tx_ref IN (
        SELECT o.tx_ref FROM topup.link_claims AS o
        WHERE o.expires_at <= clock_timestamp()
        LIMIT p_rows_max
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_deleted = ROW_COUNT;
    RETURN v_deleted;
END
$$;

GRANT EXECUTE ON FUNCTION topup.prune_link_claims(integer) TO topup_app;
