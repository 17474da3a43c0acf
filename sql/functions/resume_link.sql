-- resume_link: claims the making of a payment link that nobody came back for, for p_claim_seconds,
--           and returns the top-up. Null when it waits for money no more, has a link, or when
--           another request is getting it.
-- Raises:   nothing.
-- Locks:    the claim, until the transaction ends.
-- Notifies: nothing.
-- Why a door: the application may not write a table. A process may die between the opening and the
--           link, and its client may never ask again.
CREATE OR REPLACE FUNCTION topup.resume_link(
    p_tx_ref text, p_request_id uuid, p_claim_seconds double precision
)
RETURNS topup.topups
LANGUAGE plpgsql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_topup topup.topups;
BEGIN
    PERFORM topup.claim_link(p_tx_ref, p_request_id, p_claim_seconds);
    v_topup := (
        SELECT t FROM topup.topups AS t
        WHERE
            t.tx_ref = p_tx_ref
            AND t.status = 'pending'
            AND t.checkout_url IS NULL
            AND t.expires_at > clock_timestamp()
    );
    IF v_topup.tx_ref IS NULL THEN
        PERFORM topup.release_link(p_tx_ref, p_request_id);
    END IF;
    RETURN v_topup;
EXCEPTION WHEN SQLSTATE 'TU013' THEN
    RETURN NULL; -- whoever asks has time
END
$$;

GRANT EXECUTE ON FUNCTION topup.resume_link(text, uuid, double precision) TO topup_app;
