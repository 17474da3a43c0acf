-- refuse_change: keeps the log, its seals and the ledger append-only, for every role.
-- Raises:   TU010 on UPDATE, DELETE and TRUNCATE.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      privileges do not bind the owner; a correction is a new event.
CREATE OR REPLACE FUNCTION topup.refuse_change()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'this table is append-only'
    USING ERRCODE = 'TU010', DETAIL = TG_OP || ' on ' || TG_TABLE_NAME;
END
$$;

CREATE OR REPLACE TRIGGER events_before_change
BEFORE UPDATE OR DELETE ON topup.events
FOR EACH ROW EXECUTE FUNCTION topup.refuse_change();

CREATE OR REPLACE TRIGGER events_before_truncate
BEFORE TRUNCATE ON topup.events
FOR EACH STATEMENT EXECUTE FUNCTION topup.refuse_change();

CREATE OR REPLACE TRIGGER ledger_entries_before_change
BEFORE UPDATE OR DELETE ON topup.ledger_entries
FOR EACH ROW EXECUTE FUNCTION topup.refuse_change();

CREATE OR REPLACE TRIGGER ledger_entries_before_truncate
BEFORE TRUNCATE ON topup.ledger_entries
FOR EACH STATEMENT EXECUTE FUNCTION topup.refuse_change();

CREATE OR REPLACE TRIGGER event_seals_before_change
BEFORE UPDATE OR DELETE ON topup.event_seals
FOR EACH ROW EXECUTE FUNCTION topup.refuse_change();

CREATE OR REPLACE TRIGGER event_seals_before_truncate
BEFORE TRUNCATE ON topup.event_seals
FOR EACH STATEMENT EXECUTE FUNCTION topup.refuse_change();

CREATE OR REPLACE TRIGGER checkpoints_before_change
BEFORE UPDATE OR DELETE ON topup.checkpoints
FOR EACH ROW EXECUTE FUNCTION topup.refuse_change();

CREATE OR REPLACE TRIGGER checkpoints_before_truncate
BEFORE TRUNCATE ON topup.checkpoints
FOR EACH STATEMENT EXECUTE FUNCTION topup.refuse_change();
