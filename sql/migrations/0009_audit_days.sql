-- An auditor asks by day, and the day of an event is that of Vietnam. The log and the ledger grow
-- in the order of time, so a BRIN index finds a day among a million rows and costs a payment next
-- to nothing. Beside the day, the moment itself. Writers wait while they are built, less than a
-- second for a million events.
CREATE INDEX events_recorded_on ON topup.events USING brin (
    recorded_at, ((recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
) WITH (pages_per_range = 32, autosummarize = on);

CREATE INDEX ledger_entries_recorded_on ON topup.ledger_entries USING brin (
    recorded_at, ((recorded_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
) WITH (pages_per_range = 32, autosummarize = on);

-- Money that came too late is rare. No payment in time touches this index.
CREATE INDEX topups_late ON topup.topups (tx_ref) WHERE late;
