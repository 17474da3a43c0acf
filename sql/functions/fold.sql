-- fold: the state of a top-up after all its events: topup.fold(event ORDER BY seq).
-- Raises:   what topup.next_state raises.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      state is a fold; as a window function it also gives the state after each event.
CREATE OR REPLACE AGGREGATE topup.fold(topup.events) (
    SFUNC = topup.next_state,
    STYPE = topup.topups
);

GRANT EXECUTE ON FUNCTION topup.next_state(topup.topups, topup.events),
topup.credit(topup.topups, bigint, timestamptz),
topup.close(topup.topups, text, timestamptz),
topup.fold(topup.events) TO topup_app;
