-- settled_event_id: an id up to which every event is committed or never will be.
-- Raises:   nothing.
-- Locks:    the row of topup.settling; expects the lock of topup.seal_events.
-- Notifies: nothing.
-- Why:      ids are not committed in their order. Who writes events holds a lock on the table from
--           before the first id is drawn to the end, so what had been drawn is settled when those
--           who held it then are gone. A horizon of transaction ids would miss who has drawn an
--           event id and has no transaction id yet. A writer without a process is prepared: after a
--           restart it has another virtual id and may be any that is known. Nothing settles until
--           it has ended.
CREATE OR REPLACE FUNCTION topup.settled_event_id()
RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_known CONSTANT topup.settling := (SELECT s FROM topup.settling AS s WHERE s.alone);
    -- First the id, then the writers.
    v_drawn_id CONSTANT bigint := coalesce(pg_sequence_last_value('topup.events_id_seq'), 0);
    v_writers text[];
    v_prepared boolean;
    v_settled_id bigint;
BEGIN
    IF v_drawn_id <= v_known.settled_id THEN
        RETURN v_known.settled_id;
    END IF;
    SELECT
        coalesce(array_agg(l.virtualtransaction), '{}'),
        coalesce(bool_or(l.pid IS NULL), FALSE)
    INTO v_writers, v_prepared
    FROM pg_locks AS l
    WHERE
        l.locktype = 'relation'
        AND l.relation = 'topup.events'::regclass
        AND l.mode = 'RowExclusiveLock'
        AND l.granted
        AND l.database = (
            SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
        );
    IF v_prepared OR v_known.writers && v_writers THEN
        RETURN coalesce(v_known.settled_id, 0);
    END IF;

    v_settled_id := CASE
        WHEN v_writers = '{}' THEN v_drawn_id ELSE coalesce(v_known.drawn_id, 0)
    END;
    INSERT INTO topup.settling (settled_id, drawn_id, writers)
    VALUES (v_settled_id, v_drawn_id, v_writers)
    ON CONFLICT (alone) DO UPDATE SET
        settled_id = excluded.settled_id,
        drawn_id = excluded.drawn_id,
        writers = excluded.writers;
    RETURN v_settled_id;
END
$$;
