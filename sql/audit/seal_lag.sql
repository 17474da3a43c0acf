-- seal_lag: how far the hash chain is behind the log. Counts to 10,000: more is as bad.
CREATE OR REPLACE VIEW audit.seal_lag AS
SELECT
    count(*) AS events,
    coalesce(clock_timestamp() - min(e.recorded_at), interval '0') AS age
FROM (
    SELECT o.recorded_at FROM topup.events AS o
    WHERE
        o.id > coalesce(
            (SELECT s.id FROM topup.event_seals AS s ORDER BY s.number DESC LIMIT 1), 0
        )
    ORDER BY o.id
    LIMIT 10000
) AS e;

COMMENT ON VIEW audit.seal_lag IS
'Events that have no seal yet: until then nothing tells if somebody changes them.';
COMMENT ON COLUMN audit.seal_lag.events IS 'How many; 10000 means that many or more.';
COMMENT ON COLUMN audit.seal_lag.age IS 'Since the oldest of them was recorded.';

GRANT SELECT ON audit.seal_lag TO topup_auditor, topup_app;
