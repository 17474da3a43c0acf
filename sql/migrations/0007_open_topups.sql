-- Which top-ups of a payer are in time is asked at each opening: so far by reading every top-up
-- that the payer ever had. Without the status, which changes with the payment: only an opening
-- writes to this index. Writers wait while it is built, about a second for a million events.
CREATE INDEX topups_user_id_expires_at ON topup.topups (user_id, expires_at);
