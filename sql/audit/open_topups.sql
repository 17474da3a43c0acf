-- open_topups: top-ups that wait for their money, or for the rest of it, and for how long.
CREATE OR REPLACE VIEW audit.open_topups AS
SELECT
    o.tx_ref,
    o.user_id,
    o.status,
    o.amount,
    o.amount_paid,
    o.opened_at,
    o.expires_at,
    o.age,
    o.amount - o.amount_paid AS missing,
    CASE
        WHEN o.age < interval '1 hour' THEN 'under 1 hour'
        WHEN o.age < interval '1 day' THEN 'under 1 day'
        WHEN o.age < interval '7 days' THEN 'under 7 days'
        WHEN o.age < interval '30 days' THEN 'under 30 days'
        ELSE '30 days and more'
    END AS age_group
FROM (
    SELECT
        t.tx_ref,
t.user_id,
t.status,
t.amount,
t.amount_paid,
t.opened_at,
t.expires_at,
        clock_timestamp() - t.opened_at AS age
    FROM topup.topups AS t
    WHERE t.status IN ('pending', 'underpaid')
) AS o;

COMMENT ON VIEW audit.open_topups IS
'Top-ups that are neither confirmed nor closed, with their age.';
COMMENT ON COLUMN audit.open_topups.tx_ref IS 'The top-up.';
COMMENT ON COLUMN audit.open_topups.user_id IS 'Whose wallet will be credited.';
COMMENT ON COLUMN audit.open_topups.status IS 'pending: no money yet. underpaid: some of it.';
COMMENT ON COLUMN audit.open_topups.amount IS 'Asked for, in đồng.';
COMMENT ON COLUMN audit.open_topups.amount_paid IS 'Credited so far, in đồng.';
COMMENT ON COLUMN audit.open_topups.missing IS 'amount - amount_paid, in đồng.';
COMMENT ON COLUMN audit.open_topups.opened_at IS 'When it was opened.';
COMMENT ON COLUMN audit.open_topups.expires_at IS 'When PayOS stops taking the payment.';
COMMENT ON COLUMN audit.open_topups.age IS 'Since opened_at.';
COMMENT ON COLUMN audit.open_topups.age_group IS
'under 1 hour, under 1 day, under 7 days, under 30 days, or 30 days and more.';

GRANT SELECT ON audit.open_topups TO topup_auditor, topup_app;
