-- money_equation: every đồng received is in a wallet or in suspense; difference is 0. Received
--           are transfers, and conflicts that a person accepted.
CREATE OR REPLACE VIEW audit.money_equation AS
SELECT
    m.received,
    m.in_wallets,
    m.in_suspense,
    m.received - m.in_wallets - m.in_suspense AS difference
FROM (
    SELECT
        (
            SELECT coalesce(sum((e.data ->> 'amount')::bigint), 0)
            FROM topup.events AS e
            WHERE
                e.type = 'payment.received'
                OR e.type = 'suspense.assigned' AND e.data ? 'conflict_event_id'
        ) AS received,
        (SELECT coalesce(sum(w.balance), 0) FROM topup.wallets AS w) AS in_wallets,
        (
            SELECT coalesce(sum(l.amount), 0)
            FROM topup.ledger_entries AS l WHERE l.account = 'suspense'
        ) AS in_suspense
) AS m;

COMMENT ON VIEW audit.money_equation IS 'received = in_wallets + in_suspense, in đồng.';
COMMENT ON COLUMN audit.money_equation.received IS
'By every transfer on record, and by conflicts that a person accepted.';
COMMENT ON COLUMN audit.money_equation.in_wallets IS 'The balances of all wallets.';
COMMENT ON COLUMN audit.money_equation.in_suspense IS 'What waits for a person to assign it.';
COMMENT ON COLUMN audit.money_equation.difference IS '0, or money is missing or was made up.';

GRANT SELECT ON audit.money_equation TO topup_auditor, topup_app;
