-- Tamper evidence for the log: a hash chain over the events of each top-up, written down after them
-- so that payments do not wait for it, and checkpoints to be kept where the administrator of this
-- database cannot write. docs/auditing-chain.md says how each hash is made.
CREATE TABLE topup.event_seals (
    number bigint PRIMARY KEY CHECK (number > 0),
    id bigint NOT NULL,
    stream text COLLATE "C" NOT NULL,
    place bigint NOT NULL CHECK (place > 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32),
    UNIQUE (stream, place)
);

COMMENT ON TABLE topup.event_seals IS
    'Hash chain over topup.events. A seal outlives its event: no foreign key, so that a deletion '
    'is found. Rows are added and never changed.';
COMMENT ON COLUMN topup.event_seals.number IS '1, 2, 3 … without gap, in the order of sealing.';
COMMENT ON COLUMN topup.event_seals.id IS 'The identity of the event.';
COMMENT ON COLUMN topup.event_seals.stream IS 'Its tx_ref, or suspense.';
COMMENT ON COLUMN topup.event_seals.place IS
    '1, 2, 3 … within the stream; of a top-up, the seq of the event.';
COMMENT ON COLUMN topup.event_seals.hash IS
    'SHA-256 of the hash before it in the stream and of every column of the event.';

CREATE TABLE topup.checkpoints (
    number bigint PRIMARY KEY CHECK (number > 0),
    taken_at timestamptz NOT NULL,
    streams bigint NOT NULL CHECK (streams >= 0),
    events bigint NOT NULL CHECK (events >= 0),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    previous_hash bytea NOT NULL CHECK (octet_length(previous_hash) = 32),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);

COMMENT ON TABLE topup.checkpoints IS
    'What the whole chain was at some moment. A copy elsewhere is what makes it a proof. Rows are '
    'added and never changed.';
COMMENT ON COLUMN topup.checkpoints.number IS '1, 2, 3 … without gap.';
COMMENT ON COLUMN topup.checkpoints.taken_at IS 'When it was taken.';
COMMENT ON COLUMN topup.checkpoints.streams IS 'Number of streams with a seal.';
COMMENT ON COLUMN topup.checkpoints.events IS
    'Number of sealed events: it covers the seals 1 to this one.';
COMMENT ON COLUMN topup.checkpoints.root IS
    'SHA-256 over the heads of all streams: those that moved since the checkpoint before, in the '
    'order of their names, after the root of that checkpoint, which stands for the others.';
COMMENT ON COLUMN topup.checkpoints.previous_hash IS
    'The hash of the checkpoint before; of the first one, zeros.';
COMMENT ON COLUMN topup.checkpoints.hash IS 'SHA-256 of previous_hash and every other column.';

-- Unlogged: after a crash nobody is writing any more, and it is found out again.
CREATE UNLOGGED TABLE topup.settling (
    alone boolean PRIMARY KEY DEFAULT TRUE CHECK (alone),
    settled_id bigint NOT NULL,
    drawn_id bigint NOT NULL,
    writers text[] NOT NULL
);

COMMENT ON TABLE topup.settling IS
    'Up to which id every event is committed or never will be. One row; see settled_event_id.';
COMMENT ON COLUMN topup.settling.alone IS 'True: there is one row.';
COMMENT ON COLUMN topup.settling.settled_id IS 'Up to here it is certain.';
COMMENT ON COLUMN topup.settling.drawn_id IS 'Up to here as soon as the writers have ended.';
COMMENT ON COLUMN topup.settling.writers IS
    'The transactions that were writing events when drawn_id was read, by their virtual ids.';

GRANT SELECT ON topup.event_seals, topup.checkpoints, topup.settling TO topup_app;
