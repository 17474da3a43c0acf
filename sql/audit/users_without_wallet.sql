-- users_without_wallet: accounts whose money would have no place. Empty, always.
CREATE OR REPLACE VIEW audit.users_without_wallet AS
SELECT
    u.user_id,
    u.created_at
FROM topup.users AS u
WHERE NOT EXISTS (SELECT FROM topup.wallets AS w WHERE w.user_id = u.user_id);

COMMENT ON VIEW audit.users_without_wallet IS
'Accounts without a wallet: none, because both are made at once.';
COMMENT ON COLUMN audit.users_without_wallet.user_id IS 'Names the account.';
COMMENT ON COLUMN audit.users_without_wallet.created_at IS 'When it was registered.';

GRANT SELECT ON audit.users_without_wallet TO topup_auditor, topup_app;
