-- judge_facts: the facts of a batch after a second look, under the locks of their top-ups: a
--           foreign payment link, an order code that was given up, or a mere description of a
--           top-up that waits no more, means suspense; money that may be known already,
--           payment.conflict. Each new one has its seq, unless it is in suspense.
-- Raises:   TU002 a fact names a top-up that does not exist; TU006 its type has another door.
-- Locks:    expects those of topup.tx_refs_to_lock.
-- Notifies: nothing.
-- Why:      only the stored pair (order code, payment link) may credit, and a transfer only once.
CREATE OR REPLACE FUNCTION topup.judge_facts(p_facts topup.fact[])
RETURNS topup.fact[]
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_facts topup.fact[] := ARRAY[]::topup.fact[];
    v_fact topup.fact;
    v_topup topup.topups;
    v_seen text[] := ARRAY[]::text[];
    v_unmatched text;
BEGIN
    FOREACH v_fact IN ARRAY p_facts LOOP
        IF v_fact.type IN (
            'topup.opened', 'topup.renumbered', 'payment.conflict', 'suspense.assigned'
        ) THEN
            RAISE EXCEPTION 'events of this type come through another door'
            USING ERRCODE = 'TU006', DETAIL = v_fact.type;
        END IF;

        v_topup := (SELECT t FROM topup.topups AS t WHERE t.tx_ref = v_fact.tx_ref);
        IF v_fact.tx_ref = ANY (v_seen) THEN
            v_topup := topup.state_in_batch(v_topup, v_facts);
        END IF;
        IF v_fact.tx_ref IS NOT NULL AND v_topup.tx_ref IS NULL THEN
            RAISE EXCEPTION 'there is no such top-up'
            USING ERRCODE = 'TU002', DETAIL = v_fact.tx_ref;
        END IF;
        v_unmatched := topup.mismatch(v_fact.data, v_topup);
        IF v_unmatched IS NOT NULL THEN
            v_fact.tx_ref := NULL;
            v_fact.data := (v_fact.data - 'matched_by')
                || jsonb_build_object('unmatched', v_unmatched);
        END IF;

        v_fact := topup.judge_repeat(v_fact, v_topup, v_facts);
        IF v_fact.is_new AND v_fact.tx_ref IS NOT NULL THEN
            v_fact.seq := v_topup.seq + 1;
        END IF;
        v_facts := v_facts || v_fact;
        v_seen := v_seen || v_fact.tx_ref;
    END LOOP;
    RETURN v_facts;
END
$$;
