-- What a call costs must not grow with what was recorded before; bench/growth.py measures it. Each
-- index is of values that never change, so that updates of a top-up stay within its page. Writers
-- wait while they are built, about two seconds for a million events.

-- Of a user with 50,000 top-ups, opening one more read all of them, 61 ms.
CREATE INDEX topups_user_id_expires_at ON topup.topups (user_id, expires_at);

-- The balance of the wallet at a time: for an old top-up of a busy user, all later entries were
-- read. One page more to write for each transfer.
CREATE INDEX ledger_entries_user_id_recorded_at ON topup.ledger_entries (user_id, recorded_at, id)
    INCLUDE (balance_after) WHERE user_id IS NOT NULL;

-- A second transfer is compared with what is in suspense under its order code.
CREATE INDEX events_in_suspense ON topup.events ((data ->> 'order_code'))
    WHERE tx_ref IS NULL AND type = 'payment.received';
