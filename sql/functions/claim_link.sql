-- claim_link: this request, and for p_claim_seconds no other, gets the payment link of the top-up.
--           The same request again keeps its claim.
-- Raises:   TU013 another request has it.
-- Locks:    the claim, until the transaction ends.
-- Notifies: nothing.
-- Why:      PayOS tells a QR code only to the first who asks; the second has to wait for it.
CREATE OR REPLACE FUNCTION topup.claim_link(
    p_tx_ref text, p_request_id uuid, p_claim_seconds double precision
)
RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO topup.link_claims AS c (tx_ref, request_id, expires_at)
    VALUES (p_tx_ref, p_request_id, clock_timestamp() + make_interval(secs => p_claim_seconds))
    ON CONFLICT (tx_ref) DO UPDATE
    SET request_id = excluded.request_id, expires_at = excluded.expires_at
    WHERE c.request_id = excluded.request_id OR c.expires_at <= clock_timestamp();

    IF NOT FOUND THEN
        RAISE EXCEPTION 'another request is getting the payment link'
        USING ERRCODE = 'TU013', DETAIL = p_tx_ref;
    END IF;
END
$$;
