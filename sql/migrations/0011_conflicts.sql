-- A transfer is compared with those that were held without a top-up, so that one that a person
-- accepted is not credited again: few, and found by the order code.
CREATE INDEX events_held_in_suspense ON topup.events ((data ->> 'order_code'))
    WHERE tx_ref IS NULL AND type = 'payment.conflict';

COMMENT ON COLUMN topup.payos_checks.doubtful IS
    'A transfer was held for review since PayOS was last asked, or there was no answer: ask '
    'although the top-up is confirmed.';
