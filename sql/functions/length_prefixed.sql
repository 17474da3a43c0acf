-- length_prefixed: texts as bytes from which they can be told again: each as its length in four
--           bytes, most significant first, and its UTF-8; null as the length -1.
-- Raises:   nothing.
-- Locks:    nothing. Pure: equal arguments give equal results.
-- Notifies: nothing.
-- Why:      without lengths, 'ab' and 'c' would hash as 'a' and 'bc'; null is not the empty text.
CREATE OR REPLACE FUNCTION topup.length_prefixed(p_texts text[])
RETURNS bytea
LANGUAGE sql
IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(
        CASE
            WHEN t.value IS NULL THEN int4send(-1)
            ELSE int4send(octet_length(convert_to(t.value, 'UTF8'))) || convert_to(t.value, 'UTF8')
        END,
        ''::bytea ORDER BY t.place
    )
    FROM unnest(p_texts) WITH ORDINALITY AS t (value, place)
$$;
