-- What a person has to look at is rare among the events: these indexes hold only that, so that to
-- ask for it costs the same with a million payments as with none. Writers wait while the first is
-- built, about a second for a million events.
CREATE INDEX events_for_review ON topup.events (type, recorded_at)
    WHERE tx_ref IS NULL OR type IN ('payment.conflict', 'suspense.assigned');

CREATE INDEX payos_bodies_unread ON topup.payos_bodies (received_at) WHERE fault IS NOT NULL;

-- It takes one more argument now: who assigns.
DROP FUNCTION IF EXISTS topup.assign_suspense(uuid, text, text);
