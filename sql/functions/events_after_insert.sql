-- events_after_insert: projects a new event, wakes the streams of its top-up, and notes when PayOS
--           is to be asked about it.
-- Raises:   nothing for business data; that would roll back the evidence.
-- Locks:    none of its own; see topup.project_event.
-- Notifies: topup:<tx_ref>, through topup.notify_topup.
-- Why:      whoever inserts an event, the projection and the notification cannot be forgotten.
CREATE OR REPLACE FUNCTION topup.events_after_insert()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM topup.project_event(NEW);
    IF NEW.tx_ref IS NOT NULL THEN
        PERFORM topup.notify_topup(NEW.tx_ref, NEW.seq);
        IF NEW.type = 'topup.opened' THEN
            PERFORM topup.schedule_check(NEW.tx_ref, false);
        ELSIF NEW.data ? 'held_event_id' AND NEW.data ->> 'source' IS DISTINCT FROM 'payos.get' THEN
            PERFORM topup.schedule_check(NEW.tx_ref, true); -- an answer may list both
        END IF;
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER events_after_insert
AFTER INSERT ON topup.events
FOR EACH ROW EXECUTE FUNCTION topup.events_after_insert();
