-- What is judged about a fact is kept with it, so that nobody has to ask again.
ALTER TYPE topup.fact ADD ATTRIBUTE is_new boolean, ADD ATTRIBUTE seq bigint;

CREATE TYPE topup.posting AS (account text, user_id bigint, amount bigint);

COMMENT ON TYPE topup.posting IS 'What one event moves on one account, in đồng.';

DROP FUNCTION IF EXISTS topup.postings(topup.events, bigint);

DROP FUNCTION IF EXISTS topup.match_topup(jsonb);

DROP FUNCTION IF EXISTS topup.lock_facts(topup.fact[]);

DROP FUNCTION IF EXISTS topup.contradict(topup.fact, uuid, jsonb);
