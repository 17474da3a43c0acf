-- worker_is_alive: whether some process holds the lock of this worker_id.
-- Raises:   nothing.
-- Locks:    that of a dead worker, until the transaction ends.
-- Notifies: nothing.
-- Why:      a worker holds it, shared, on its LISTEN connection: PostgreSQL drops it the moment the
--           process dies. The first number is WORKER_LOCKS in app/stream/listener.py. One lock for
--           each stream would fill the lock table of the server at about 15,000.
CREATE OR REPLACE FUNCTION topup.worker_is_alive(p_worker_id integer)
RETURNS boolean
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT pg_try_advisory_xact_lock(7281, p_worker_id)
$$;
