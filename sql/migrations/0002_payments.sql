-- The log of events, what it is folded into (top-ups, wallets, ledger entries), and the raw bodies
-- it was read from. Amounts are whole đồng; times come from the clock of this database.

CREATE SEQUENCE topup.order_codes AS bigint MINVALUE 1000 MAXVALUE 9007199254740991;

COMMENT ON SEQUENCE topup.order_codes IS
    'Order numbers given to PayOS. Never 123 (its ping), never above 2^53-1.';

-- A random start: an installation that was set up again does not repeat the codes of the old one.
SELECT setval('topup.order_codes', 1000000000 + floor(random() * 900000000000)::bigint);

CREATE TABLE topup.wallets (
    user_id bigint PRIMARY KEY REFERENCES topup.users,
    balance bigint NOT NULL DEFAULT 0 CHECK (balance >= 0),
    version bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);

COMMENT ON TABLE topup.wallets IS
    'Balance of each user: the sum of the ledger entries of the wallet.';
COMMENT ON COLUMN topup.wallets.user_id IS 'Whose wallet.';
COMMENT ON COLUMN topup.wallets.balance IS 'In đồng.';
COMMENT ON COLUMN topup.wallets.version IS 'Number of ledger entries of the wallet.';

CREATE TABLE topup.topups (
    tx_ref text PRIMARY KEY CHECK (tx_ref ~ '^T[0-9A-HJKMNP-TV-Z]{8}$'),
    user_id bigint NOT NULL REFERENCES topup.wallets,
    order_code bigint UNIQUE
        CHECK (order_code BETWEEN 1 AND 9007199254740991 AND order_code <> 123),
    payment_link_id text,
    checkout_url text,
    qr_code text,
    bank_bin text,
    account_number text,
    account_name text,
    transfer_message text,
    amount bigint NOT NULL CHECK (amount > 0),
    amount_paid bigint NOT NULL CHECK (amount_paid >= 0),
    status text NOT NULL CHECK (
        status IN ('pending', 'underpaid', 'confirmed', 'failed', 'cancelled', 'expired')
    ),
    late boolean NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    opened_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    confirmed_at timestamptz,
    closed_at timestamptz,
    idempotency_key text,
    idempotency_fingerprint text,
    UNIQUE (user_id, idempotency_key)
) WITH (fillfactor = 80);

CREATE INDEX topups_user_id_opened_at ON topup.topups (user_id, opened_at DESC);

COMMENT ON TABLE topup.topups IS 'Current state of each top-up: the fold of its events.';
COMMENT ON COLUMN topup.topups.tx_ref IS 'Names the top-up; sent to PayOS as the description.';
COMMENT ON COLUMN topup.topups.user_id IS 'Whose wallet is credited.';
COMMENT ON COLUMN topup.topups.order_code IS 'The order at PayOS; null for other payment methods.';
COMMENT ON COLUMN topup.topups.payment_link_id IS 'The payment link at PayOS.';
COMMENT ON COLUMN topup.topups.checkout_url IS 'The page to pay on.';
COMMENT ON COLUMN topup.topups.qr_code IS 'VietQR text for a bank app.';
COMMENT ON COLUMN topup.topups.bank_bin IS 'The receiving bank.';
COMMENT ON COLUMN topup.topups.account_number IS 'The receiving account.';
COMMENT ON COLUMN topup.topups.account_name IS 'The name of the receiving account.';
COMMENT ON COLUMN topup.topups.transfer_message IS
    'What a payer writes who types the transfer by hand: the tx_ref with the code of PayOS.';
COMMENT ON COLUMN topup.topups.amount IS 'Asked for, in đồng.';
COMMENT ON COLUMN topup.topups.amount_paid IS 'Received so far, in đồng.';
COMMENT ON COLUMN topup.topups.status IS 'See docs/events.md.';
COMMENT ON COLUMN topup.topups.late IS 'Money came after the top-up was closed.';
COMMENT ON COLUMN topup.topups.seq IS 'Number of its events; the seq of the latest.';
COMMENT ON COLUMN topup.topups.opened_at IS 'Recording of topup.opened.';
COMMENT ON COLUMN topup.topups.expires_at IS 'When PayOS stops taking the payment.';
COMMENT ON COLUMN topup.topups.confirmed_at IS 'Recording of the transfer that reached the amount.';
COMMENT ON COLUMN topup.topups.closed_at IS 'Closed without money: failed, cancelled or expired.';
COMMENT ON COLUMN topup.topups.idempotency_key IS
    'Given by the client; a repeat finds this top-up.';
COMMENT ON COLUMN topup.topups.idempotency_fingerprint IS 'What was asked for under the key.';

CREATE TABLE topup.events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    tx_ref text REFERENCES topup.topups DEFERRABLE INITIALLY DEFERRED,
    seq bigint CHECK (seq > 0),
    type text NOT NULL CHECK (
        type IN (
            'topup.opened', 'topup.linked', 'topup.cancelled', 'topup.expired',
            'payment.received', 'payment.failed', 'payment.conflict', 'suspense.assigned'
        )
    ),
    data jsonb NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (tx_ref, seq),
    CONSTRAINT events_seq_within_tx_ref CHECK ((tx_ref IS NULL) = (seq IS NULL)),
    CONSTRAINT events_opened_first CHECK ((type = 'topup.opened') = (seq = 1)),
    CONSTRAINT events_only_payments_in_suspense CHECK (
        tx_ref IS NOT NULL OR type IN ('payment.received', 'payment.failed', 'payment.conflict')
    ),
    CONSTRAINT events_money_has_amount CHECK (
        type NOT IN ('payment.received', 'suspense.assigned')
        OR ((data ->> 'amount')::bigint BETWEEN 1 AND 9007199254740991) IS TRUE
    )
);

COMMENT ON TABLE topup.events IS 'What happened. Rows are added and never changed.';
COMMENT ON COLUMN topup.events.id IS 'Identity; its order is not the order of commits.';
COMMENT ON COLUMN topup.events.event_id IS 'Names the fact, so that it is recorded once.';
COMMENT ON COLUMN topup.events.tx_ref IS 'The top-up; null while the money is in suspense.';
COMMENT ON COLUMN topup.events.seq IS '1, 2, 3 … within the top-up, without gap.';
COMMENT ON COLUMN topup.events.type IS 'See docs/events.md.';
COMMENT ON COLUMN topup.events.data IS 'The facts of the type, without payer data.';
COMMENT ON COLUMN topup.events.occurred_at IS 'When it happened, by the clock of its source.';
COMMENT ON COLUMN topup.events.recorded_at IS
    'When it was recorded, by the clock of this database.';

CREATE TABLE topup.ledger_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL REFERENCES topup.events (event_id),
    account text NOT NULL,
    user_id bigint REFERENCES topup.wallets,
    amount bigint NOT NULL CHECK (amount <> 0),
    balance_after bigint CHECK (balance_after >= 0),
    recorded_at timestamptz NOT NULL,
    UNIQUE (event_id, account),
    CONSTRAINT ledger_entries_account_name CHECK (
        account = coalesce('wallet:' || user_id::text, account)
        AND (user_id IS NOT NULL OR account IN ('payos:clearing', 'suspense'))
    ),
    CONSTRAINT ledger_entries_balance_of_wallets CHECK (
        (user_id IS NULL) = (balance_after IS NULL)
    )
);

CREATE INDEX ledger_entries_user_id_id ON topup.ledger_entries (user_id, id)
    INCLUDE (balance_after, recorded_at) WHERE user_id IS NOT NULL;

COMMENT ON TABLE topup.ledger_entries IS
    'Double entry: the entries of one event sum to zero. Rows are added and never changed.';
COMMENT ON COLUMN topup.ledger_entries.id IS 'Identity; within a wallet, the order of its entries.';
COMMENT ON COLUMN topup.ledger_entries.event_id IS 'The event that moved the money.';
COMMENT ON COLUMN topup.ledger_entries.account IS 'wallet:<user_id>, payos:clearing or suspense.';
COMMENT ON COLUMN topup.ledger_entries.user_id IS 'Whose wallet; null for system accounts.';
COMMENT ON COLUMN topup.ledger_entries.amount IS 'In đồng; positive into the account.';
COMMENT ON COLUMN topup.ledger_entries.balance_after IS
    'Of the wallet, in đồng. System accounts store none: one hot row would slow every payment.';
COMMENT ON COLUMN topup.ledger_entries.recorded_at IS 'That of the event.';

CREATE TABLE topup.payos_bodies (
    body_sha256 bytea PRIMARY KEY CHECK (octet_length(body_sha256) = 32),
    raw bytea NOT NULL,
    fault text,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

COMMENT ON TABLE topup.payos_bodies IS
    'Every validly signed webhook as it came: holds payer data, so it has its own retention.';
COMMENT ON COLUMN topup.payos_bodies.body_sha256 IS 'SHA-256 of raw; events name it in their data.';
COMMENT ON COLUMN topup.payos_bodies.raw IS 'The bytes that were signed and sent.';
COMMENT ON COLUMN topup.payos_bodies.fault IS 'Why no event came of it; null when one did.';
COMMENT ON COLUMN topup.payos_bodies.received_at IS 'First delivery.';

CREATE TYPE topup.fact AS (
    ordinal integer,
    event_id uuid,
    type text,
    tx_ref text,
    data jsonb,
    occurred_at timestamptz,
    body bytea
);

COMMENT ON TYPE topup.fact IS 'One element of a batch on its way into the log.';

CREATE TYPE topup.outcome AS (
    ordinal integer,
    outcome text,
    tx_ref text,
    seq bigint,
    refused_with text
);

COMMENT ON TYPE topup.outcome IS
    'What became of a fact: applied, duplicate, suspense, conflict, rejected.';

GRANT SELECT ON topup.wallets, topup.topups, topup.events, topup.ledger_entries TO topup_app;
