-- Who called a payment off at PayOS comes back at once, and no webhook tells of it.
ALTER TABLE topup.payos_checks ADD COLUMN hastened_at timestamptz;

COMMENT ON COLUMN topup.payos_checks.hastened_at IS
    'When a payer last made it due by coming back from calling it off.';
COMMENT ON COLUMN topup.payos_checks.doubtful IS
    'A transfer was held for review, or a payer came back from calling it off, since PayOS was '
    'last asked, or there was no answer: ask although the top-up is confirmed.';
