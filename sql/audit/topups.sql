-- topups: what each top-up has come to.
CREATE OR REPLACE VIEW audit.topups AS
SELECT
    t.tx_ref,
    t.user_id,
    t.order_code,
    t.payment_link_id,
    t.status,
    t.amount,
    t.amount_paid,
    t.late,
    t.seq AS events,
    t.opened_at,
    t.expires_at,
    t.confirmed_at,
    t.closed_at,
    (t.opened_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS opened_on,
    (t.confirmed_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS confirmed_on
FROM topup.topups AS t;

COMMENT ON VIEW audit.topups IS
'The state of each top-up: what its events add up to, which audit.drift() proves.';
COMMENT ON COLUMN audit.topups.tx_ref IS 'Names the top-up.';
COMMENT ON COLUMN audit.topups.user_id IS 'Whose wallet is credited.';
COMMENT ON COLUMN audit.topups.order_code IS 'The order at PayOS.';
COMMENT ON COLUMN audit.topups.payment_link_id IS 'The payment link at PayOS; null: none yet.';
COMMENT ON COLUMN audit.topups.status IS
'pending, underpaid, confirmed, failed, cancelled, expired: docs/events.md.';
COMMENT ON COLUMN audit.topups.amount IS 'Asked for, in đồng.';
COMMENT ON COLUMN audit.topups.amount_paid IS 'Credited so far, in đồng.';
COMMENT ON COLUMN audit.topups.late IS 'Money came after the top-up was closed.';
COMMENT ON COLUMN audit.topups.events IS 'How many events it has: the seq of the latest.';
COMMENT ON COLUMN audit.topups.opened_at IS 'When it was opened.';
COMMENT ON COLUMN audit.topups.opened_on IS 'The day of opened_at in Vietnam (Asia/Ho_Chi_Minh).';
COMMENT ON COLUMN audit.topups.expires_at IS 'When PayOS stops taking the payment.';
COMMENT ON COLUMN audit.topups.confirmed_at IS 'When the money reached the amount; null: not yet.';
COMMENT ON COLUMN audit.topups.confirmed_on IS
'The day of confirmed_at in Vietnam (Asia/Ho_Chi_Minh).';
COMMENT ON COLUMN audit.topups.closed_at IS
'When it failed, was cancelled or expired; null again when money came afterwards.';

GRANT SELECT ON audit.topups TO topup_auditor, topup_app;
