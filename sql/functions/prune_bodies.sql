-- prune_bodies: forgets up to p_rows_max raw bodies: those that became events p_kept_seconds ago,
--           and the bytes of those that a person dismissed as long ago. Returns how many.
-- Raises:   nothing.
-- Locks:    one advisory lock, then the rows that are free, until the commit. Returns 0 while
--           another process prunes.
-- Notifies: nothing.
-- Why a door: they hold payer data. What no event came of stays until a person has looked; then the
--           row remains, as what was dismissed by whom.
CREATE OR REPLACE FUNCTION topup.prune_bodies(
    p_kept_seconds double precision, p_rows_max integer
)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_before CONSTANT timestamptz := clock_timestamp() - make_interval(secs => p_kept_seconds);
    v_deleted integer;
    v_emptied integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('topup.prune', 0)) THEN
        RETURN 0;
    END IF;

    DELETE FROM topup.payos_bodies AS b
    WHERE b.body_sha256 IN (
        SELECT o.body_sha256 FROM topup.payos_bodies AS o
        WHERE o.fault IS NULL AND o.received_at < v_before
        ORDER BY o.received_at
        LIMIT p_rows_max
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_deleted = ROW_COUNT;

    UPDATE topup.payos_bodies AS b SET raw = ''
    WHERE b.body_sha256 IN (
        SELECT o.body_sha256 FROM topup.payos_bodies AS o
        WHERE o.fault IS NOT NULL AND o.dismissed_at < v_before AND o.raw <> ''
        LIMIT p_rows_max - v_deleted
        FOR UPDATE SKIP LOCKED
    );
    GET DIAGNOSTICS v_emptied = ROW_COUNT;
    RETURN v_deleted + v_emptied;
END
$$;

GRANT EXECUTE ON FUNCTION topup.prune_bodies(double precision, integer) TO topup_app;
