-- event_hash: the hash of an event in its chain: the version of this recipe, the hash before it in
--           its stream (of the first one, null), its two numbers in the chain, every column.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results, whatever the session is set to.
-- Notifies: nothing.
-- Why:      docs/auditing-chain.md has the recipe. Another one gets another version, and old
--           seals keep theirs.
CREATE OR REPLACE FUNCTION topup.event_hash(
    p_event topup.events, p_number bigint, p_place bigint, p_previous_hash bytea
)
RETURNS bytea
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN sha256(
        '\x01'::bytea
        || coalesce(p_previous_hash, decode(repeat('00', 32), 'hex'))
        || topup.length_prefixed(ARRAY[
            p_number::text,
            p_place::text,
            p_event.id::text,
            p_event.event_id::text,
            p_event.tx_ref,
            p_event.seq::text,
            p_event.type,
            p_event.data::text,
            trunc(extract(EPOCH FROM p_event.occurred_at) * 1000000)::text,
            trunc(extract(EPOCH FROM p_event.recorded_at) * 1000000)::text
        ])
    );
END
$$;
