-- first_answer: a top-up as it stood when its payment link was first recorded, with its QR code if
--           that ever was; as it stands, when none has been.
-- Raises:   nothing; an unknown tx_ref gives a row of nulls.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      an init that is repeated gets the answer of the first, whatever happened meanwhile. The
--           reconciler may have found the link before that answer came, and PayOS tells it no code.
CREATE OR REPLACE FUNCTION topup.first_answer(p_tx_ref text)
RETURNS topup.topups
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT topup.fold(e ORDER BY e.seq)
    FROM topup.events AS e
    WHERE
        e.tx_ref = p_tx_ref
        AND e.seq <= coalesce(
            (
                SELECT
                    coalesce(
                        min(l.seq) FILTER (WHERE l.data ->> 'qr_code' <> ''), min(l.seq)
                    )
                FROM topup.events AS l
                WHERE l.tx_ref = p_tx_ref AND l.type = 'topup.linked'
            ),
            e.seq
        )
$$;

GRANT EXECUTE ON FUNCTION topup.first_answer(text) TO topup_app;
