-- The tables of bench/peers/starlette_redis.py: those of napvi that a payment touches.
CREATE TABLE wallets (
    user_id bigint PRIMARY KEY,
    balance bigint NOT NULL DEFAULT 0 CHECK (balance >= 0)
);

CREATE TABLE sessions (
    session_hash bytea PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES wallets,
    expires_at timestamptz NOT NULL
);

CREATE TABLE topups (
    tx_ref text PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES wallets,
    order_code bigint NOT NULL UNIQUE,
    amount bigint NOT NULL,
    amount_paid bigint NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'pending',
    seq bigint NOT NULL DEFAULT 1
);

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    tx_ref text NOT NULL REFERENCES topups,
    seq bigint NOT NULL,
    type text NOT NULL,
    data jsonb NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tx_ref, seq)
);

CREATE TABLE ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL REFERENCES events (event_id),
    account text NOT NULL,
    amount bigint NOT NULL,
    balance_after bigint,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (event_id, account)
);

CREATE TABLE bodies (body_sha256 bytea PRIMARY KEY, raw bytea NOT NULL);
