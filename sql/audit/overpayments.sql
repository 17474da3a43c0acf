-- overpayments: top-ups that got more than was asked for. The surplus is in the wallet as well.
CREATE OR REPLACE VIEW audit.overpayments AS
SELECT
    t.tx_ref,
    t.user_id,
    t.amount,
    t.amount_paid,
    t.confirmed_at,
    t.amount_paid - t.amount AS surplus,
    (t.confirmed_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS confirmed_on
FROM topup.topups AS t
WHERE t.amount_paid > t.amount;

COMMENT ON VIEW audit.overpayments IS
'Top-ups that got more than was asked for. The surplus is in the wallet as well.';
COMMENT ON COLUMN audit.overpayments.tx_ref IS 'The top-up.';
COMMENT ON COLUMN audit.overpayments.user_id IS 'Whose wallet was credited.';
COMMENT ON COLUMN audit.overpayments.amount IS 'Asked for, in đồng.';
COMMENT ON COLUMN audit.overpayments.amount_paid IS 'Credited, in đồng.';
COMMENT ON COLUMN audit.overpayments.surplus IS 'amount_paid - amount, in đồng.';
COMMENT ON COLUMN audit.overpayments.confirmed_at IS 'When the money reached the amount.';
COMMENT ON COLUMN audit.overpayments.confirmed_on IS
'The day of confirmed_at in Vietnam (Asia/Ho_Chi_Minh).';

GRANT SELECT ON audit.overpayments TO topup_auditor, topup_app;
