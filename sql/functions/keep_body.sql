-- keep_body: keeps a validly signed webhook of which no event came, with the reason.
-- Raises:   nothing.
-- Locks:    the body, from whoever keeps the same one.
-- Notifies: nothing.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.keep_body(p_raw bytea, p_fault text)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO topup.payos_bodies (body_sha256, raw, fault)
    VALUES (sha256(p_raw), p_raw, p_fault)
    ON CONFLICT DO NOTHING
$$;

GRANT EXECUTE ON FUNCTION topup.keep_body(bytea, text) TO topup_app;
