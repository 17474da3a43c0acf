-- project_event: brings topups, wallets and ledger_entries up to date with one new event.
-- Raises:   nothing for business data; what the constraints of the tables refuse.
-- Locks:    expects that of the top-up and of its wallet (topup.lock_topups).
-- Notifies: nothing, so that a rebuild is silent.
-- Why:      money moves in the same commit as the fact that moved it.
CREATE OR REPLACE FUNCTION topup.project_event(p_event topup.events)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_state topup.topups;
    v_postings topup.posting[];
    v_posting topup.posting;
    v_balance bigint;
BEGIN
    IF p_event.tx_ref IS NOT NULL THEN
        v_state := (SELECT t FROM topup.topups AS t WHERE t.tx_ref = p_event.tx_ref);
        v_state := topup.next_state(v_state, p_event);
        IF p_event.type = 'topup.opened' THEN
            INSERT INTO topup.topups VALUES (v_state.*);
        ELSE
            UPDATE topup.topups AS t SET
                order_code = v_state.order_code,
                payment_link_id = v_state.payment_link_id,
                checkout_url = v_state.checkout_url,
                qr_code = v_state.qr_code,
                bank_bin = v_state.bank_bin,
                account_number = v_state.account_number,
                account_name = v_state.account_name,
                transfer_message = v_state.transfer_message,
                amount_paid = v_state.amount_paid,
                status = v_state.status,
                late = v_state.late,
                seq = v_state.seq,
                confirmed_at = v_state.confirmed_at,
                closed_at = v_state.closed_at
            WHERE t.tx_ref = p_event.tx_ref;
        END IF;
    END IF;

    v_postings := topup.postings(p_event, v_state.user_id);
    IF v_postings = '{}' THEN
        RETURN;
    END IF;
    FOREACH v_posting IN ARRAY v_postings LOOP
        IF v_posting.user_id IS NOT NULL THEN -- one at most
            UPDATE topup.wallets AS w
            SET balance = w.balance + v_posting.amount, version = w.version + 1
            WHERE w.user_id = v_posting.user_id
            RETURNING w.balance INTO v_balance;
        END IF;
    END LOOP;

    INSERT INTO topup.ledger_entries
        (event_id, account, user_id, amount, balance_after, recorded_at)
    SELECT
        p_event.event_id, p.account, p.user_id, p.amount,
        CASE WHEN p.user_id IS NOT NULL THEN v_balance END,
        p_event.recorded_at
    FROM unnest(v_postings) AS p;
END
$$;
