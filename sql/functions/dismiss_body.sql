-- dismiss_body: notes that nothing has to come of a signed webhook that could not be read; false
--           when somebody said so before, and then the first name and reason stay.
-- Raises:   TU009 no reason; TU017 no name; TU025 no such body waits for a person.
-- Locks:    its row.
-- Notifies: nothing.
-- Why a door: only then may its bytes be forgotten.
CREATE OR REPLACE FUNCTION topup.dismiss_body(
    p_body_sha256 bytea, p_reason text, p_dismissed_by text
)
RETURNS boolean
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'a dismissal needs a reason' USING ERRCODE = 'TU009';
    ELSIF coalesce(btrim(p_dismissed_by), '') = '' THEN
        RAISE EXCEPTION 'a dismissal needs a name' USING ERRCODE = 'TU017';
    END IF;

    UPDATE topup.payos_bodies AS b SET
        dismissed_at = clock_timestamp(),
        dismissed_by = p_dismissed_by,
        dismissed_reason = p_reason
    WHERE b.body_sha256 = p_body_sha256 AND b.fault IS NOT NULL AND b.dismissed_at IS NULL;
    IF FOUND THEN
        RETURN true;
    END IF;

    PERFORM 1 FROM topup.payos_bodies AS b
    WHERE b.body_sha256 = p_body_sha256 AND b.dismissed_at IS NOT NULL;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no such body waits for a person'
        USING ERRCODE = 'TU025', DETAIL = encode(p_body_sha256, 'hex');
    END IF;
    RETURN false;
END
$$;

GRANT EXECUTE ON FUNCTION topup.dismiss_body(bytea, text, text) TO topup_app;
