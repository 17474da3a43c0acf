-- ledger_entries_balance: at commit, the entries of every event sum to zero.
-- Raises:   TU011 when they do not.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      deferred, because the entries of an event are written one after the other.
CREATE OR REPLACE FUNCTION topup.ledger_entries_balance()
RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_sum numeric;
BEGIN
    v_sum := (SELECT sum(l.amount) FROM topup.ledger_entries AS l WHERE l.event_id = NEW.event_id);
    IF v_sum <> 0 THEN
        RAISE EXCEPTION 'the ledger entries of an event do not sum to zero'
        USING ERRCODE = 'TU011', DETAIL = NEW.event_id::text;
    END IF;
    RETURN NULL;
END
$$;

DROP TRIGGER IF EXISTS ledger_entries_balance ON topup.ledger_entries;

CREATE CONSTRAINT TRIGGER ledger_entries_balance
AFTER INSERT ON topup.ledger_entries
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION topup.ledger_entries_balance();
