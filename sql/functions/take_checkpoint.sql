-- take_checkpoint: seals what is settled, writes down what the chain is now, and returns that.
-- Raises:   TU019 not READ COMMITTED: an older snapshot would miss the latest checkpoint.
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
