-- seal_events: seals up to p_limit of the oldest events that have no seal, and says how many.
-- Raises:   TU019 not READ COMMITTED: an older snapshot would leave out what is settled now.
-- Locks:    one advisory lock, until the commit. Seals nothing while another process does.
-- Notifies: nothing.
-- Why a door: the application may not write a table. An event is never sealed before one with a
--           smaller id, and so never before the one ahead of it in its top-up.
CREATE OR REPLACE FUNCTION topup.seal_events(p_limit integer)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET enable_seqscan = off -- a new table has no statistics, and is read whole for each event
AS $$
DECLARE
    v_isolation CONSTANT text := current_setting('transaction_isolation');
    v_settled_id bigint;
    v_latest topup.event_seals;
    v_before topup.event_seals;
    v_events topup.events[];
    v_event topup.events;
    v_number bigint;
    v_stream text;
    v_place bigint;
BEGIN
    IF v_isolation <> 'read committed' THEN
        RAISE EXCEPTION 'seals are made in READ COMMITTED'
        USING ERRCODE = 'TU019', DETAIL = v_isolation;
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtextextended('topup.event_seals', 0)) THEN
        RETURN 0;
    END IF;
    v_settled_id := topup.settled_event_id();
    v_latest := (SELECT s FROM topup.event_seals AS s ORDER BY s.number DESC LIMIT 1);
    v_number := coalesce(v_latest.number, 0);
    v_events := ARRAY(
        SELECT e FROM topup.events AS e
        WHERE e.id > coalesce(v_latest.id, 0) AND e.id <= v_settled_id
        ORDER BY e.id
        LIMIT p_limit
    );

    FOREACH v_event IN ARRAY v_events LOOP
        v_stream := coalesce(v_event.tx_ref, 'suspense');
        v_before := (
            SELECT s FROM topup.event_seals AS s
            WHERE s.stream = v_stream ORDER BY s.place DESC LIMIT 1
        );
        v_number := v_number + 1;
        v_place := coalesce(v_before.place, 0) + 1;
        INSERT INTO topup.event_seals (number, id, stream, place, hash)
        VALUES (
            v_number, v_event.id, v_stream, v_place,
            topup.event_hash(v_event, v_number, v_place, v_before.hash)
        );
    END LOOP;
    RETURN cardinality(v_events);
END
$$;

GRANT EXECUTE ON FUNCTION topup.seal_events(integer) TO topup_app;
