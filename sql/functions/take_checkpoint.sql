-- take_checkpoint: seals what is settled, writes down what the chain is now, and returns that.
-- Raises:   TU018 old events wait for a transaction that writes; TU019 not READ COMMITTED: an older
--           snapshot would miss the latest checkpoint.
-- Locks:    the advisory lock of topup.seal_events, until the commit; waits for it.
-- Notifies: nothing.
-- Why a door: the application may not write a table. What it does not cover has to be younger than
--           it is (topup.backdated_findings): a sealer that is behind must not be left behind.
CREATE OR REPLACE FUNCTION topup.take_checkpoint()
RETURNS topup.checkpoints
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_isolation CONSTANT text := current_setting('transaction_isolation');
    v_waiting bigint;
    v_before topup.checkpoints;
    v_checkpoint topup.checkpoints;
    v_covered bigint;
BEGIN
    IF v_isolation <> 'read committed' THEN
        RAISE EXCEPTION 'checkpoints are taken in READ COMMITTED'
        USING ERRCODE = 'TU019', DETAIL = v_isolation;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('topup.event_seals', 0));
    LOOP
        EXIT WHEN topup.seal_events(1000) = 0;
    END LOOP;
    v_waiting := (
        SELECT e.id FROM topup.events AS e
        WHERE
            e.id > coalesce(
                (SELECT s.id FROM topup.event_seals AS s ORDER BY s.number DESC LIMIT 1), 0
            )
            AND e.recorded_at < clock_timestamp() - interval '10 minutes'
        ORDER BY e.id
        LIMIT 1
    );
    IF v_waiting IS NOT NULL THEN
        RAISE EXCEPTION 'events of more than 10 minutes ago cannot be sealed yet'
        USING ERRCODE = 'TU018', DETAIL = v_waiting::text;
    END IF;
    v_before := (SELECT c FROM topup.checkpoints AS c ORDER BY c.number DESC LIMIT 1);
    v_covered := coalesce(v_before.events, 0);

    v_checkpoint.number := coalesce(v_before.number, 0) + 1;
    v_checkpoint.taken_at := clock_timestamp();
    v_checkpoint.events := coalesce((SELECT max(s.number) FROM topup.event_seals AS s), 0);
    v_checkpoint.streams := coalesce(v_before.streams, 0) + (
        SELECT count(*) FROM topup.event_seals AS s WHERE s.number > v_covered AND s.place = 1
    );
    v_checkpoint.root := topup.chain_root(v_before.root, v_covered, v_checkpoint.events);
    v_checkpoint.previous_hash := coalesce(v_before.hash, decode(repeat('00', 32), 'hex'));
    v_checkpoint.hash := topup.checkpoint_hash(v_checkpoint);
    INSERT INTO topup.checkpoints VALUES (v_checkpoint.*);
    RETURN v_checkpoint;
END
$$;

GRANT EXECUTE ON FUNCTION topup.take_checkpoint() TO topup_app;
