-- append_batch: appends facts in set form and returns what became of each.
-- Raises:   TU002 a fact names a top-up that does not exist; TU019 not READ COMMITTED; whatever a
--           bad fact violates. Then nothing of the batch is appended.
-- Locks:    the top-ups of the batch in tx_ref order, their wallets in user order, suspense, bodies
--           in the order of their hashes, events, checks.
-- Notifies: topup:<tx_ref> for each new event, through the trigger.
-- Why:      several payments share one commit, and the order of locks cannot deadlock.
CREATE OR REPLACE FUNCTION topup.append_batch(p_facts topup.fact[])
RETURNS topup.outcome[]
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_matched CONSTANT topup.fact[] := topup.match_facts(p_facts);
    v_facts topup.fact[];
    v_fact topup.fact;
    v_outcomes topup.outcome[] := ARRAY[]::topup.outcome[];
BEGIN
    PERFORM topup.lock_topups(topup.tx_refs_to_lock(v_matched));
    v_facts := topup.judge_facts(v_matched);
    IF topup.has_strangers(v_facts) AND NOT topup.has_strangers(v_matched) THEN
        -- Its top-up disowns it; who comes now finds it in suspense from the start.
        PERFORM topup.lock_topups(ARRAY[NULL]);
        v_facts := topup.judge_facts(v_matched);
    END IF;

    -- An event comes of each, so none is unread any more; what a person has said of one stays.
    INSERT INTO topup.payos_bodies AS b (body_sha256, raw)
    SELECT DISTINCT sha256(f.body) AS body_sha256, f.body
    FROM unnest(v_facts) AS f
    WHERE f.body IS NOT NULL
    ORDER BY body_sha256
    ON CONFLICT (body_sha256) DO UPDATE SET fault = NULL
    WHERE b.fault IS NOT NULL AND b.dismissed_at IS NULL;

    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    SELECT f.event_id, f.tx_ref, f.seq, f.type, f.data, f.occurred_at
    FROM unnest(v_facts) AS f
    WHERE f.is_new
    ORDER BY f.ordinal;

    FOREACH v_fact IN ARRAY v_facts LOOP
        v_outcomes := v_outcomes || topup.outcome_of(v_fact);
    END LOOP;
    RETURN v_outcomes;
END
$$;
