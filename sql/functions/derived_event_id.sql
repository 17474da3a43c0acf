-- derived_event_id: the event id of something that is told by its description alone.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      what follows from a recorded fact is recorded once, however often it is repeated.
CREATE OR REPLACE FUNCTION topup.derived_event_id(p_description text)
RETURNS uuid
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN left(encode(sha256(convert_to(p_description, 'UTF8')), 'hex'), 32)::uuid;
END
$$;

GRANT EXECUTE ON FUNCTION topup.derived_event_id(text) TO topup_app;
