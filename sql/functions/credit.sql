-- credit: a top-up after money came. Each transfer counts for what it carries.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      confirmed is final, and money that comes after a close is credited and flagged.
CREATE OR REPLACE FUNCTION topup.credit(
    p_state topup.topups, p_amount bigint, p_recorded_at timestamptz
)
RETURNS topup.topups
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_next topup.topups := p_state;
BEGIN
    v_next.amount_paid := p_state.amount_paid + p_amount;
    v_next.late := p_state.late OR p_state.status IN ('failed', 'cancelled', 'expired');
    v_next.closed_at := NULL;
    IF v_next.amount_paid >= p_state.amount THEN
        v_next.status := 'confirmed';
        v_next.confirmed_at := coalesce(p_state.confirmed_at, p_recorded_at);
    ELSE
        v_next.status := 'underpaid';
    END IF;
    RETURN v_next;
END
$$;
