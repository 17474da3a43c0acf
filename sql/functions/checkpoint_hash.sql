-- checkpoint_hash: the hash of a checkpoint: the version of this recipe, the hash of the one before
--           it, every other column.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results, whatever the session is set to.
-- Notifies: nothing.
-- Why:      docs/auditing-chain.md has the recipe.
CREATE OR REPLACE FUNCTION topup.checkpoint_hash(p_checkpoint topup.checkpoints)
RETURNS bytea
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT sha256(
        '\x01'::bytea
        || p_checkpoint.previous_hash
        || topup.length_prefixed(ARRAY[
            p_checkpoint.number::text,
            trunc(extract(EPOCH FROM p_checkpoint.taken_at) * 1000000)::text,
            p_checkpoint.streams::text,
            p_checkpoint.events::text,
            encode(p_checkpoint.root, 'hex')
        ])
    )
$$;
