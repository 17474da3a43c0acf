-- Opening a top-up: PayOS may have an order code already, then the next one is taken; and a request
-- with an idempotency key holds a claim while PayOS is asked, so that nobody else asks beside it.
-- The limit of open top-ups and the claim are new parameters of open_topup.
ALTER TABLE topup.events
DROP CONSTRAINT events_type_check,
ADD CONSTRAINT events_type_check CHECK (
    type IN (
        'topup.opened', 'topup.renumbered', 'topup.linked', 'topup.cancelled', 'topup.expired',
        'payment.received', 'payment.failed', 'payment.conflict', 'suspense.assigned'
    )
);

-- Unlogged, and no part of the fold: after a crash nobody is asking any more.
CREATE UNLOGGED TABLE topup.link_claims (
    tx_ref text PRIMARY KEY,
    request_id uuid NOT NULL,
    expires_at timestamptz NOT NULL
);

COMMENT ON TABLE topup.link_claims IS
    'Which request is getting the payment link of a top-up. A process that died leaves its row.';
COMMENT ON COLUMN topup.link_claims.tx_ref IS 'The top-up, opened under an idempotency key.';
COMMENT ON COLUMN topup.link_claims.request_id IS 'Drawn at random; the claim is of no other.';
COMMENT ON COLUMN topup.link_claims.expires_at IS
    'From then on another request may take it: by now PayOS has answered, or the asker is gone.';

GRANT SELECT ON topup.link_claims TO topup_app;

DROP FUNCTION IF EXISTS topup.open_topup(
    text, uuid, bigint, bigint, double precision, text, text
);
