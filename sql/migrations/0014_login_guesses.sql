-- Guesses of passwords, counted for each name that was typed, so that after a few wrong ones the
-- next has to wait, at whichever process it comes. Unlogged, and no part of the books: after a
-- crash everybody may guess anew, and a flood of guesses writes no WAL.
CREATE UNLOGGED TABLE topup.login_guesses (
    name_hash bytea PRIMARY KEY,
    guesses integer NOT NULL CHECK (guesses >= 0),
    next_at timestamptz NOT NULL
);

-- The oldest first, so that to prune costs what there is to prune.
CREATE INDEX login_guesses_next_at ON topup.login_guesses (next_at);

COMMENT ON TABLE topup.login_guesses IS
    'Attempts to log in since the last that succeeded, by name, whether anybody has it or not.';
COMMENT ON COLUMN topup.login_guesses.name_hash IS
    'HMAC of the name, which may be a password in the wrong field. The key is not in the database.';
COMMENT ON COLUMN topup.login_guesses.guesses IS
    'How many were tried and were wrong, or are being tried.';
COMMENT ON COLUMN topup.login_guesses.next_at IS 'From then on the next may be tried.';

GRANT SELECT ON topup.login_guesses TO topup_app;
