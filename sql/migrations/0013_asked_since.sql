-- Questions that were answered no longer make the next one rarer.
COMMENT ON COLUMN topup.payos_checks.asked IS
    'How often PayOS has been asked, or tried, since it last answered.';
