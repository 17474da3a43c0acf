-- next_state: the state of a top-up after one more event. The only place that knows the rules.
-- Raises:   nothing for business data; an event type without a branch is refused (20000).
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      the trigger projects with it and topup.fold rebuilds with it, so they cannot differ.
CREATE OR REPLACE FUNCTION topup.next_state(p_state topup.topups, p_event topup.events)
RETURNS topup.topups
LANGUAGE plpgsql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_next topup.topups := p_state;
    v_data jsonb := p_event.data;
BEGIN
    CASE p_event.type
    WHEN 'topup.opened' THEN
        v_next.tx_ref := p_event.tx_ref;
        v_next.user_id := (v_data ->> 'user_id')::bigint;
        v_next.order_code := (v_data ->> 'order_code')::bigint;
        v_next.amount := (v_data ->> 'amount')::bigint;
        v_next.amount_paid := 0;
        v_next.status := 'pending';
        v_next.late := false;
        v_next.opened_at := p_event.recorded_at;
        v_next.expires_at :=
            p_event.recorded_at + make_interval(secs => (v_data ->> 'expiry_seconds')::float8);
        v_next.idempotency_key := v_data ->> 'idempotency_key';
        v_next.idempotency_fingerprint := v_data ->> 'idempotency_fingerprint';
    WHEN 'topup.renumbered' THEN
        v_next.order_code := (v_data ->> 'order_code')::bigint;
    WHEN 'topup.linked' THEN
        -- The pair (order_code, payment_link_id) never changes once a signed message named it.
        v_next.payment_link_id :=
            coalesce(v_next.payment_link_id, v_data ->> 'payment_link_id');
        -- PayOS tells a QR code once: an answer without one takes nothing away.
        v_next.checkout_url := coalesce(nullif(v_data ->> 'checkout_url', ''), v_next.checkout_url);
        v_next.qr_code := coalesce(nullif(v_data ->> 'qr_code', ''), v_next.qr_code);
        v_next.bank_bin := coalesce(nullif(v_data ->> 'bank_bin', ''), v_next.bank_bin);
        v_next.account_number :=
            coalesce(nullif(v_data ->> 'account_number', ''), v_next.account_number);
        v_next.account_name := coalesce(nullif(v_data ->> 'account_name', ''), v_next.account_name);
        v_next.transfer_message :=
            coalesce(nullif(v_data ->> 'transfer_message', ''), v_next.transfer_message);
    WHEN 'payment.received' THEN
        -- The webhook may come before the answer that would have told us the link.
        v_next.payment_link_id := coalesce(
            v_next.payment_link_id,
            CASE WHEN v_data ->> 'matched_by' = 'order_code' THEN v_data ->> 'payment_link_id' END
        );
        v_next := topup.credit(v_next, (v_data ->> 'amount')::bigint, p_event.recorded_at);
    WHEN 'suspense.assigned' THEN
        v_next := topup.credit(v_next, (v_data ->> 'amount')::bigint, p_event.recorded_at);
    WHEN 'payment.failed' THEN
        v_next := topup.close(v_next, 'failed', p_event.recorded_at);
    WHEN 'topup.cancelled' THEN
        v_next := topup.close(v_next, 'cancelled', p_event.recorded_at);
    WHEN 'topup.expired' THEN
        v_next := topup.close(v_next, 'expired', p_event.recorded_at);
    WHEN 'payment.conflict' THEN
        NULL; -- evidence for review; the transfer it repeats has been credited
    END CASE;
    v_next.seq := p_event.seq;
    RETURN v_next;
END
$$;
