-- worker_is_alive: whether some process holds the lock of this worker_id.
-- Raises:   nothing.
-- Locks:    nothing: to try the lock would make a dead worker look alive to whoever asks beside.
-- Notifies: nothing.
-- Why:      a worker holds it, shared, on its LISTEN connection: PostgreSQL drops it the moment the
--           process dies. 7281 is WORKER_LOCKS in app/stream/listener.py. One lock for each stream
--           would fill the lock table of the server at about 15,000.
CREATE OR REPLACE FUNCTION topup.worker_is_alive(p_worker_id integer)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM pg_locks AS l
        WHERE
            l.locktype = 'advisory'
            AND l.classid = 7281 AND l.objid = p_worker_id::oid AND l.objsubid = 2
            AND l.granted
            AND l.database = (
                SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
            )
    )
$$;
