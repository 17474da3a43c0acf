-- When PayOS is asked next about each top-up, because a webhook may be lost. Beside the fold: it
-- says nothing about money, and may be emptied at the price of asking later.
CREATE TABLE topup.payos_checks (
    tx_ref text PRIMARY KEY,
    next_at timestamptz NOT NULL,
    asked integer NOT NULL DEFAULT 0,
    claimed_until timestamptz,
    nudged_at timestamptz,
    doubtful boolean NOT NULL DEFAULT FALSE
) WITH (fillfactor = 80);

CREATE INDEX payos_checks_next_at ON topup.payos_checks (next_at);
CREATE INDEX payos_checks_claimed_until ON topup.payos_checks (claimed_until)
    WHERE claimed_until IS NOT NULL;

COMMENT ON TABLE topup.payos_checks IS
    'Top-ups about which PayOS will be asked. A row goes when there is nothing left to ask.';
COMMENT ON COLUMN topup.payos_checks.tx_ref IS 'The top-up.';
COMMENT ON COLUMN topup.payos_checks.next_at IS
    'When to ask; while a process asks, when another one may.';
COMMENT ON COLUMN topup.payos_checks.asked IS 'How often PayOS has been asked, or tried.';
COMMENT ON COLUMN topup.payos_checks.claimed_until IS
    'A process is asking; it is believed dead after this. Null when none is.';
COMMENT ON COLUMN topup.payos_checks.nudged_at IS 'When a payer last made it earlier by coming.';
COMMENT ON COLUMN topup.payos_checks.doubtful IS
    'A transfer is held for review: ask although the top-up is confirmed.';

-- What was opened before this table was there.
INSERT INTO topup.payos_checks (tx_ref, next_at)
SELECT
    t.tx_ref,
    clock_timestamp() AS next_at
FROM topup.topups AS t
WHERE
    t.order_code IS NOT NULL
    AND t.status <> 'confirmed'
    AND t.expires_at > clock_timestamp() - interval '48 hours';

GRANT SELECT ON topup.payos_checks TO topup_app;
