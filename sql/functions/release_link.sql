-- release_link: gives back what claim_link took, whether there is a payment link now or not.
-- Raises:   nothing; a claim that expired and is another request's now stays with that one.
-- Locks:    the claim, until the transaction ends.
-- Notifies: nothing.
-- Why a door: the application may not write a table.
CREATE OR REPLACE FUNCTION topup.release_link(p_tx_ref text, p_request_id uuid)
RETURNS void
LANGUAGE sql
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
    DELETE FROM topup.link_claims AS c
    WHERE c.tx_ref = p_tx_ref AND c.request_id = p_request_id
$$;

GRANT EXECUTE ON FUNCTION topup.release_link(text, uuid) TO topup_app;
