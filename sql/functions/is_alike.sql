-- is_alike: whether two transfers under two event ids may be one, by their data: of one payment
--           link, and under the same reference; or of one amount, less than a minute apart, and one
--           of them has no reference; or one was told by GET, and no answer that told one of them
--           lists the other.
-- Raises:   22xxx when a time is none.
-- Locks:    nothing.
-- Notifies: nothing.
-- Why:      an answer that lists both references has proved them to be two transfers, but which one
--           a transfer without a reference is, no answer tells. Whether every answer tells the same
--           reference is not documented. A time that could not be read may be any. The event id
--           tells the channel as well, so a transfer has another one after its client id changed.
CREATE OR REPLACE FUNCTION topup.is_alike(p_data jsonb, p_other jsonb)
RETURNS boolean
LANGUAGE plpgsql
STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_nameless CONSTANT boolean [] := ARRAY[
        coalesce(p_data ->> 'unmatched' = 'reference.missing', false),
        coalesce(p_other ->> 'unmatched' = 'reference.missing', false)
    ];
BEGIN
    IF coalesce(p_other ->> 'payment_link_id' <> p_data ->> 'payment_link_id', false) THEN
        RETURN false;
    ELSIF p_other ->> 'reference' = p_data ->> 'reference' AND true <> ALL (v_nameless) THEN
        RETURN true;
    ELSIF
        p_other ->> 'amount' <> p_data ->> 'amount'
        OR abs(extract(
            EPOCH FROM (p_other ->> 'transaction_at')::timestamptz
            - (p_data ->> 'transaction_at')::timestamptz
        )) >= 60
    THEN
        RETURN false;
    ELSIF v_nameless[1] OR v_nameless[2] THEN
        RETURN v_nameless[1] <> v_nameless[2];
    END IF;
    RETURN jsonb_build_array(p_data -> 'source', p_other -> 'source') ? 'payos.get'
        AND NOT coalesce(p_data -> 'listed' ? (p_other ->> 'reference'), false)
        AND NOT coalesce(p_other -> 'listed' ? (p_data ->> 'reference'), false);
END
$$;
