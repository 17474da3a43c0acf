-- backdated_findings: events that say they were recorded before a checkpoint that does not cover
--           them; of an honest log, none.
-- Raises:   nothing.
-- Locks:    nothing: one statement, one snapshot, on a live system.
-- Notifies: nothing.
-- Why:      a day that a checkpoint has closed gets no more money. topup.take_checkpoint covers
--           every event that is settled, and what is not settled belongs to a transaction that
--           is still open: those of napvi end by statement_timeout and
--           idle_in_transaction_session_timeout, after seconds. 15 minutes is longer than any.
CREATE OR REPLACE FUNCTION topup.backdated_findings()
RETURNS TABLE (what text, stream text, event_id bigint, detail text)
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH closed AS (
        SELECT
            c.events,
            coalesce(lead(c.events) OVER by_number, 9223372036854775807) AS events_next,
            -- The latest so far: a forged one between them opens nothing again.
            max(c.taken_at) OVER by_number AS taken_at
        FROM topup.checkpoints AS c
        WINDOW by_number AS (ORDER BY c.number)
    )

    SELECT
        'event_backdated', s.stream, s.id,
        format('seal %s, recorded %s, a checkpoint at %s', s.number, e.recorded_at, c.taken_at)
    FROM closed AS c
    INNER JOIN topup.event_seals AS s ON s.number > c.events AND s.number <= c.events_next
    INNER JOIN topup.events AS e ON e.id = s.id
    WHERE e.recorded_at < c.taken_at - interval '15 minutes'
$$;
