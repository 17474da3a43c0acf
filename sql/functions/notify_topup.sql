-- notify_topup: wakes the streams of a top-up once this transaction commits.
-- Raises:   nothing.
-- Locks:    at commit, the notification queue of the cluster.
-- Notifies: topup:<tx_ref>, with the seq.
-- Why:      one place builds the name of the channel. What notify_if_room skips is left to the
--           sweep.
CREATE OR REPLACE FUNCTION topup.notify_topup(p_tx_ref text, p_seq bigint)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM topup.notify_if_room('topup:' || p_tx_ref, p_seq::text);
END
$$;
