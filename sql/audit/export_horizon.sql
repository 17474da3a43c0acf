-- export_horizon: up to which id the log and the ledger can be exported: every row up to there is
--           visible to the next statement, or will never be. It reads the sequences, then waits
--           for the transactions that write to either table at that moment.
-- Raises:   TU022 one of them goes on for longer than p_wait_seconds; TU023 in a transaction that
--           would not see what it waited for, and on a standby, which knows no writers.
-- Locks:    nothing; writers do not wait for it.
-- Notifies: nothing.
-- Why a door: an auditor may read audit only. Ids are drawn before they commit, so whoever goes on
--           from the largest that is visible skips those that commit late. A writer holds its lock
--           on the table from before it draws an id until its rows are visible.
CREATE OR REPLACE FUNCTION audit.export_horizon(p_wait_seconds double precision)
RETURNS TABLE (events_id bigint, ledger_id bigint)
LANGUAGE plpgsql
VOLATILE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_until CONSTANT timestamptz := clock_timestamp() + make_interval(secs => p_wait_seconds);
    v_tables CONSTANT oid[] :=
        ARRAY['topup.events'::regclass::oid, 'topup.ledger_entries'::regclass::oid];
    v_writers text[];
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' OR pg_is_in_recovery() THEN
        RAISE EXCEPTION 'a horizon needs READ COMMITTED, on the primary'
        USING ERRCODE = 'TU023', DETAIL = current_setting('transaction_isolation');
    END IF;

    events_id := coalesce(pg_sequence_last_value('topup.events_id_seq'), 0);
    ledger_id := coalesce(pg_sequence_last_value('topup.ledger_entries_id_seq'), 0);
    LOOP
        -- Not all who write now: those who wrote at the first look. One without a process is
        -- prepared, and may be any of them.
        v_writers := ARRAY(
            SELECT DISTINCT l.virtualtransaction FROM pg_locks AS l
            WHERE
                l.relation = ANY (v_tables)
                AND l.mode = 'RowExclusiveLock'
                AND l.granted
                AND l.database = (
                    SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
                )
                AND (v_writers IS NULL OR l.virtualtransaction = ANY (v_writers) OR l.pid IS NULL)
        );
        EXIT WHEN cardinality(v_writers) = 0;
        IF clock_timestamp() >= v_until THEN
            RAISE EXCEPTION 'transactions that write go on for too long'
            USING ERRCODE = 'TU022', DETAIL = v_writers::text;
        END IF;
        PERFORM pg_sleep(0.02);
    END LOOP;
    RETURN NEXT;
END
$$;

COMMENT ON FUNCTION audit.export_horizon(double precision) IS
'Every row of audit.events up to events_id, and of audit.ledger up to ledger_id, is visible to the
next statement or never will be. Waits at most so many seconds for writers.';

GRANT EXECUTE ON FUNCTION audit.export_horizon(double precision) TO topup_auditor, topup_app;
