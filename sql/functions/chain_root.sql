-- chain_root: the root of a checkpoint that covers the seals up to p_to, after one that covers
--           those up to p_after and has the root p_previous_root (null: there was none).
-- Raises:   nothing.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      it reads what moved since, so it costs the same with a million streams as with none. A
--           head stands for its stream: its hash holds every hash before it.
CREATE OR REPLACE FUNCTION topup.chain_root(p_previous_root bytea, p_after bigint, p_to bigint)
RETURNS bytea
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT sha256(
        coalesce(p_previous_root, decode(repeat('00', 32), 'hex'))
        || coalesce(string_agg(h.hash, ''::bytea ORDER BY h.stream), ''::bytea)
    )
    FROM (
        SELECT DISTINCT ON (s.stream) s.stream, s.hash
        FROM topup.event_seals AS s
        WHERE s.number > p_after AND s.number <= p_to
        ORDER BY s.stream, s.place DESC
    ) AS h
$$;
