-- notify_if_room: notifies once this transaction commits, unless the queue is half full.
-- Raises:   nothing.
-- Locks:    at commit, the notification queue of the cluster.
-- Notifies: p_channel, with p_payload.
-- Why a door: with a full queue every COMMIT that notifies fails, the listener's echo like a
--           payment; and the application shall know the usage, 0 to 1, before that. The guard is
--           that of notify_topup, which does not call this: 12 us more for each payment.
CREATE OR REPLACE FUNCTION topup.notify_if_room(
    p_channel text, p_payload text, OUT sent boolean, OUT queue_usage numeric
)
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    queue_usage := pg_notification_queue_usage()::numeric;
    sent := queue_usage < 0.5;
    IF sent THEN
        PERFORM pg_notify(p_channel, p_payload);
    END IF;
END
$$;

GRANT EXECUTE ON FUNCTION topup.notify_if_room(text, text) TO topup_app;
