-- is_alike: whether two transfers, by their data, may be one under two references: the same payment
--           link and amount, less than a minute apart, and one of them has no reference; or one was
--           told by GET, and no answer that told one of them lists the other.
-- Raises:   22xxx when a time is none.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      an answer that lists both references has proved them to be two transfers, but which one
--           a transfer without a reference is, no answer tells. Whether every answer tells the same
--           reference is not documented. A time that could not be read may be any.
CREATE OR REPLACE FUNCTION topup.is_alike(p_data jsonb, p_other jsonb)
RETURNS boolean
LANGUAGE sql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT
        p_other ->> 'amount' = p_data ->> 'amount'
        AND coalesce(p_other ->> 'payment_link_id' = p_data ->> 'payment_link_id', true)
        AND coalesce(
            abs(extract(
                EPOCH FROM (p_other ->> 'transaction_at')::timestamptz
                - (p_data ->> 'transaction_at')::timestamptz
            )) < 60,
            true
        )
        AND CASE
            WHEN
                coalesce(p_other ->> 'unmatched' = 'reference.missing', false)
                <> coalesce(p_data ->> 'unmatched' = 'reference.missing', false)
                THEN true
            WHEN jsonb_build_array(p_data -> 'source', p_other -> 'source') ? 'payos.get' THEN
                NOT coalesce(p_data -> 'listed' ? (p_other ->> 'reference'), false)
                AND NOT coalesce(p_other -> 'listed' ? (p_data ->> 'reference'), false)
            ELSE false
        END
$$;
