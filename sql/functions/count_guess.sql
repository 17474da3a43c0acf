-- count_guess: counts an attempt to log in under a name before its password is looked at. After
--           p_free of them the next has to wait p_delay_seconds, and after each that is tried twice
--           as long, up to p_delay_max_seconds. Returns 0 when this one may be tried, else the
--           seconds until one may; then it did not count.
-- Raises:   nothing.
-- Locks:    the login_guesses row.
-- Notifies: nothing.
-- Why a door: the application may not write a table. It counts before, because guesses that come
--           at once would all pass a count of those that were wrong.
CREATE OR REPLACE FUNCTION topup.count_guess(
    p_name_hash bytea,
    p_free integer,
    p_delay_seconds double precision,
    p_delay_max_seconds double precision
)
RETURNS integer
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_next_at timestamptz;
BEGIN
    -- The clock is read under the lock: who waited for it must not seem to come too early.
    INSERT INTO topup.login_guesses AS g (name_hash, guesses, next_at)
    VALUES (
        p_name_hash,
        1,
        clock_timestamp()
        + make_interval(secs => CASE WHEN p_free > 1 THEN 0 ELSE p_delay_seconds END)
    )
    ON CONFLICT (name_hash) DO UPDATE
    SET
        guesses = g.guesses + 1,
        next_at = clock_timestamp() + make_interval(
            secs => CASE
                WHEN g.guesses + 1 < p_free THEN 0
                -- Doubled no more than 30 times: it has to stay a number.
                ELSE least(
                    p_delay_max_seconds,
                    p_delay_seconds * power(2, least(g.guesses + 1 - p_free, 30))
                )
            END
        )
    WHERE g.next_at <= clock_timestamp();

    IF FOUND THEN
        RETURN 0;
    END IF;

    SELECT g.next_at INTO v_next_at FROM topup.login_guesses AS g
    WHERE g.name_hash = p_name_hash;
    -- Null when they were forgotten at this moment.
    RETURN greatest(1, ceil(extract(EPOCH FROM v_next_at - clock_timestamp()))::integer);
END
$$;
GRANT EXECUTE ON FUNCTION topup.count_guess(
    bytea, integer, double precision, double precision
) TO topup_app;
