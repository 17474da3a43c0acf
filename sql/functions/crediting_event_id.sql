-- crediting_event_id: the event id under which a transfer that waits for a person is credited: that
--           of the transfer itself where it is known, so that nothing can credit it once more.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      who assigns takes this id; whoever finds it taken knows that nothing waits any more.
CREATE OR REPLACE FUNCTION topup.crediting_event_id(p_waiting topup.events)
RETURNS uuid
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN coalesce(
        (p_waiting.data ->> 'held_event_id')::uuid,
        topup.derived_event_id('suspense.assigned/' || p_waiting.event_id)
    );
END
$$;

GRANT EXECUTE ON FUNCTION topup.crediting_event_id(topup.events) TO topup_app;
