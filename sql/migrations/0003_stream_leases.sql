-- Who streams where, so that a limit per user holds across every process, and so that a logout
-- reaches the streams of that login wherever they are. Unlogged: after a crash the workers that
-- are still alive write their streams down again.
CREATE UNLOGGED TABLE topup.stream_leases (
    worker_id integer NOT NULL,
    stream_id bigint NOT NULL,
    user_id bigint NOT NULL,
    session_hash bytea NOT NULL,
    tx_ref text NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended text CHECK (ended IN ('superseded', 'login_ended')),
    PRIMARY KEY (worker_id, stream_id)
);

CREATE INDEX stream_leases_user_id ON topup.stream_leases (user_id, opened_at);
CREATE INDEX stream_leases_session_hash ON topup.stream_leases (session_hash);
CREATE INDEX stream_leases_ended ON topup.stream_leases (worker_id) WHERE ended IS NOT NULL;

COMMENT ON TABLE topup.stream_leases IS
    'Open streams. A row counts while its worker lives: while it holds its advisory lock.';
COMMENT ON COLUMN topup.stream_leases.worker_id IS
    'Drawn at random by each process; see topup.worker_is_alive.';
COMMENT ON COLUMN topup.stream_leases.stream_id IS 'Numbered by the worker.';
COMMENT ON COLUMN topup.stream_leases.user_id IS 'Whose limit it counts for.';
COMMENT ON COLUMN topup.stream_leases.session_hash IS 'The login it ends with.';
COMMENT ON COLUMN topup.stream_leases.tx_ref IS 'What is streamed.';
COMMENT ON COLUMN topup.stream_leases.opened_at IS 'The oldest of a user make room.';
COMMENT ON COLUMN topup.stream_leases.ended IS
    'Why the worker has to end the stream; it deletes the row when it does.';

CREATE TYPE topup.stream_opening AS (
    stream_id bigint,
    verdict text,
    user_id bigint,
    session_hash bytea,
    tx_ref text
);

COMMENT ON TYPE topup.stream_opening IS
    'A stream that is asked for; verdict: open, finished, not_logged_in, not_found, too_many.';

GRANT SELECT ON topup.stream_leases TO topup_app;
