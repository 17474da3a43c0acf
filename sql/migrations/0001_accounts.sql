-- Accounts and logins. A session row holds only the hash of the cookie's random id, so a copy of
-- this table logs nobody in.
CREATE TABLE topup.users (
    user_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL UNIQUE CHECK (username ~ '^[a-z0-9][a-z0-9._@+-]{2,63}$'),
    password_hash text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE topup.users IS 'Accounts.';
COMMENT ON COLUMN topup.users.user_id IS 'Names the account in every other table.';
COMMENT ON COLUMN topup.users.username IS 'What a person logs in with, lower case.';
COMMENT ON COLUMN topup.users.password_hash IS 'argon2id, with its parameters.';
COMMENT ON COLUMN topup.users.created_at IS 'Registration.';

CREATE TABLE topup.sessions (
    session_hash bytea PRIMARY KEY CHECK (octet_length(session_hash) = 32),
    user_id bigint NOT NULL REFERENCES topup.users,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz
);

CREATE INDEX sessions_user_id ON topup.sessions (user_id);

COMMENT ON TABLE topup.sessions IS 'Logins that the server can end.';
COMMENT ON COLUMN topup.sessions.session_hash IS 'SHA-256 of the random id in the cookie.';
COMMENT ON COLUMN topup.sessions.user_id IS 'Who is logged in.';
COMMENT ON COLUMN topup.sessions.created_at IS 'Login.';
COMMENT ON COLUMN topup.sessions.last_seen_at IS
    'Last request, to the minute: idle expiry counts from here.';
COMMENT ON COLUMN topup.sessions.expires_at IS 'Absolute expiry, however busy the session is.';
COMMENT ON COLUMN topup.sessions.revoked_at IS 'Logout, or revocation by the operator.';

GRANT SELECT ON topup.users, topup.sessions TO topup_app;
