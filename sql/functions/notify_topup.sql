-- notify_topup: wakes the streams of a top-up once this transaction commits.
-- Raises:   nothing.
-- Locks:    at commit, the notification queue of the cluster.
-- Notifies: topup:<tx_ref>, with the seq.
-- Why:      with a full queue every COMMIT that notifies fails, so above half it skips and leaves
--           the streams to the sweep. Asking for the usage is also what heals a stuck queue.
CREATE OR REPLACE FUNCTION topup.notify_topup(p_tx_ref text, p_seq bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF pg_notification_queue_usage() < 0.5 THEN
        PERFORM pg_notify('topup:' || p_tx_ref, p_seq::text);
    END IF;
END
$$;
