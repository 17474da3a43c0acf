-- The database of napvi 0.1.0 as its commit 5c89777e5c7e2bb4374da0a2d198befa350474e6 makes and fills it:
-- written by tests/upgrade/release.py, never edited. It needs the three roles of sql/bootstrap.sql.
--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: audit; Type: SCHEMA; Schema: -; Owner: topup_owner
--

CREATE SCHEMA audit;


ALTER SCHEMA audit OWNER TO topup_owner;

--
-- Name: SCHEMA audit; Type: COMMENT; Schema: -; Owner: topup_owner
--

COMMENT ON SCHEMA audit IS 'What an auditor reads.';


--
-- Name: topup; Type: SCHEMA; Schema: -; Owner: topup_owner
--

CREATE SCHEMA topup;


ALTER SCHEMA topup OWNER TO topup_owner;

--
-- Name: SCHEMA topup; Type: COMMENT; Schema: -; Owner: topup_owner
--

COMMENT ON SCHEMA topup IS 'Tables and functions of napvi.';


--
-- Name: fact; Type: TYPE; Schema: topup; Owner: topup_owner
--

CREATE TYPE topup.fact AS (
	ordinal integer,
	event_id uuid,
	type text,
	tx_ref text,
	data jsonb,
	occurred_at timestamp with time zone,
	body bytea
);


ALTER TYPE topup.fact OWNER TO topup_owner;

--
-- Name: TYPE fact; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TYPE topup.fact IS 'One element of a batch on its way into the log.';


--
-- Name: outcome; Type: TYPE; Schema: topup; Owner: topup_owner
--

CREATE TYPE topup.outcome AS (
	ordinal integer,
	outcome text,
	tx_ref text,
	seq bigint,
	refused_with text
);


ALTER TYPE topup.outcome OWNER TO topup_owner;

--
-- Name: TYPE outcome; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TYPE topup.outcome IS 'What became of a fact: applied, duplicate, suspense, conflict, rejected.';


--
-- Name: stream_opening; Type: TYPE; Schema: topup; Owner: topup_owner
--

CREATE TYPE topup.stream_opening AS (
	stream_id bigint,
	verdict text,
	user_id bigint,
	session_hash bytea,
	tx_ref text
);


ALTER TYPE topup.stream_opening OWNER TO topup_owner;

--
-- Name: TYPE stream_opening; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TYPE topup.stream_opening IS 'A stream that is asked for; verdict: open, finished, not_logged_in, not_found, too_many.';


--
-- Name: drift(); Type: FUNCTION; Schema: audit; Owner: topup_owner
--

CREATE FUNCTION audit.drift() RETURNS TABLE(subject text, key text, expected jsonb, actual jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH folded AS (
        SELECT e.tx_ref, count(*) AS events, topup.fold(e ORDER BY e.seq) AS state
        FROM topup.events AS e
        WHERE e.tx_ref IS NOT NULL
        GROUP BY e.tx_ref
    ),

    posted AS (
        SELECT e.event_id, p.account, p.amount, e.recorded_at
        FROM topup.events AS e
        LEFT JOIN folded AS f ON f.tx_ref = e.tx_ref
        CROSS JOIN LATERAL topup.postings(e, (f.state).user_id) AS p
    ),

    wallet_entries AS (
        SELECT
            l.id, l.user_id, l.amount, l.balance_after,
            sum(l.amount) OVER (PARTITION BY l.user_id ORDER BY l.id) AS balance
        FROM topup.ledger_entries AS l
        WHERE l.user_id IS NOT NULL
    ),

    wallet_sums AS (
        SELECT l.user_id, sum(l.amount) AS balance, count(*) AS version
        FROM topup.ledger_entries AS l
        WHERE l.user_id IS NOT NULL
        GROUP BY l.user_id
    )

    SELECT 'topup', coalesce(f.tx_ref, t.tx_ref), to_jsonb(f.state), to_jsonb(t)
    FROM folded AS f
    FULL JOIN topup.topups AS t ON t.tx_ref = f.tx_ref
    WHERE to_jsonb(f.state) IS DISTINCT FROM to_jsonb(t)
    UNION ALL
    SELECT 'seq', f.tx_ref, to_jsonb(f.events), to_jsonb((f.state).seq)
    FROM folded AS f
    WHERE f.events <> (f.state).seq
    UNION ALL
    SELECT 'ledger', coalesce(p.event_id, l.event_id)::text, to_jsonb(p), to_jsonb(l)
    FROM posted AS p
    FULL JOIN topup.ledger_entries AS l ON l.event_id = p.event_id AND l.account = p.account
    WHERE (p.amount, p.recorded_at) IS DISTINCT FROM (l.amount, l.recorded_at)
    UNION ALL
    SELECT 'balance_after', w.id::text, to_jsonb(w.balance), to_jsonb(w.balance_after)
    FROM wallet_entries AS w
    WHERE w.balance <> w.balance_after
    UNION ALL
    SELECT 'wallet', w.user_id::text, to_jsonb(s), to_jsonb(w)
    FROM topup.wallets AS w
    FULL JOIN wallet_sums AS s ON s.user_id = w.user_id
    WHERE (w.balance, w.version) IS DISTINCT FROM (coalesce(s.balance, 0), coalesce(s.version, 0))
$$;


ALTER FUNCTION audit.drift() OWNER TO topup_owner;

--
-- Name: append_batch(topup.fact[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.append_batch(p_facts topup.fact[]) RETURNS topup.outcome[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_facts topup.fact[] := topup.match_facts(p_facts);
    v_new integer[];
BEGIN
    PERFORM topup.lock_topups(ARRAY(SELECT f.tx_ref FROM unnest(v_facts) AS f));
    v_facts := topup.judge_facts(v_facts);

    v_new := ARRAY(
        SELECT DISTINCT ON (f.event_id) f.ordinal
        FROM unnest(v_facts) AS f
        WHERE NOT EXISTS (SELECT FROM topup.events AS e WHERE e.event_id = f.event_id)
        ORDER BY f.event_id, f.ordinal
    );

    INSERT INTO topup.payos_bodies (body_sha256, raw)
    SELECT sha256(f.body), f.body FROM unnest(v_facts) AS f WHERE f.body IS NOT NULL
    ON CONFLICT DO NOTHING;

    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    SELECT
        f.event_id, f.tx_ref,
        t.seq + row_number() OVER (PARTITION BY f.tx_ref ORDER BY f.ordinal),
        f.type, f.data, f.occurred_at
    FROM unnest(v_facts) AS f
    LEFT JOIN topup.topups AS t ON t.tx_ref = f.tx_ref
    WHERE f.ordinal = ANY (v_new)
    ORDER BY f.ordinal;

    RETURN ARRAY(
        SELECT ROW(
            f.ordinal,
            CASE
                WHEN f.ordinal <> ALL (v_new) THEN 'duplicate'
                WHEN f.type = 'payment.conflict' THEN 'conflict'
                WHEN f.tx_ref IS NULL THEN 'suspense'
                ELSE 'applied'
            END,
            e.tx_ref, e.seq, NULL
        )::topup.outcome
        FROM unnest(v_facts) AS f
        INNER JOIN topup.events AS e ON e.event_id = f.event_id
    );
END
$$;


ALTER FUNCTION topup.append_batch(p_facts topup.fact[]) OWNER TO topup_owner;

--
-- Name: append_events(text[], text[], text[], text[], text[], bytea[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.append_events(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) RETURNS SETOF topup.outcome
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_lengths integer[] := ARRAY[
        cardinality(p_event_ids), cardinality(p_types), cardinality(p_tx_refs),
        cardinality(p_data), cardinality(p_occurred_at), cardinality(p_bodies)
    ];
    v_outcomes topup.outcome[];
BEGIN
    IF (v_lengths[1] BETWEEN 1 AND 64 AND v_lengths[1] = ALL (v_lengths)) IS NOT TRUE THEN
        RAISE EXCEPTION 'the batch must be arrays of one length from 1 to 64'
        USING ERRCODE = 'TU001', DETAIL = v_lengths::text;
    END IF;
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true); -- PayOS hears 200: keep the promise
    END IF;

    BEGIN
        v_outcomes := topup.append_batch(
            topup.read_facts(p_event_ids, p_types, p_tx_refs, p_data, p_occurred_at, p_bodies)
        );
    EXCEPTION
        WHEN transaction_rollback OR insufficient_resources OR lock_not_available THEN
            RAISE; -- no fault of a fact: the caller tries again
        WHEN OTHERS THEN
            v_outcomes := topup.append_singly(
                p_event_ids, p_types, p_tx_refs, p_data, p_occurred_at, p_bodies
            );
    END;
    RETURN QUERY SELECT o.ordinal, o.outcome, o.tx_ref, o.seq, o.refused_with
    FROM unnest(v_outcomes) AS o
    ORDER BY o.ordinal;
END
$$;


ALTER FUNCTION topup.append_events(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) OWNER TO topup_owner;

--
-- Name: append_singly(text[], text[], text[], text[], text[], bytea[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.append_singly(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) RETURNS topup.outcome[]
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_facts topup.fact[] := ARRAY[]::topup.fact[];
    v_outcomes topup.outcome[] := ARRAY[]::topup.outcome[];
    v_fact topup.fact;
BEGIN
    FOR i IN 1 .. cardinality(p_event_ids) LOOP
        BEGIN
            v_fact := (topup.match_facts(topup.read_facts(
                p_event_ids[i:i], p_types[i:i], p_tx_refs[i:i],
                p_data[i:i], p_occurred_at[i:i], p_bodies[i:i]
            )))[1];
            v_fact.ordinal := i;
            v_facts := v_facts || v_fact;
        EXCEPTION WHEN data_exception THEN
            v_outcomes := v_outcomes || ROW(i, 'rejected', NULL, NULL, SQLSTATE)::topup.outcome;
        END;
    END LOOP;

    -- Before the first append, so that a second batch meets these locks in the same order.
    PERFORM topup.lock_topups(ARRAY(SELECT f.tx_ref FROM unnest(v_facts) AS f));

    FOREACH v_fact IN ARRAY v_facts LOOP
        BEGIN
            v_outcomes := v_outcomes || topup.append_batch(ARRAY[v_fact]);
        EXCEPTION
            WHEN
                transaction_rollback OR insufficient_resources OR lock_not_available
                OR syntax_error_or_access_rule_violation OR system_error OR internal_error
            THEN
                RAISE; -- no fault of the fact
            WHEN OTHERS THEN
                v_outcomes := v_outcomes
                    || ROW(v_fact.ordinal, 'rejected', NULL, NULL, SQLSTATE)::topup.outcome;
        END;
    END LOOP;

    INSERT INTO topup.payos_bodies (body_sha256, raw, fault)
    SELECT sha256(p_bodies[o.ordinal]), p_bodies[o.ordinal], 'rejected with ' || o.refused_with
    FROM unnest(v_outcomes) AS o
    WHERE o.outcome = 'rejected' AND p_bodies[o.ordinal] IS NOT NULL
    ON CONFLICT DO NOTHING;
    RETURN v_outcomes;
END
$$;


ALTER FUNCTION topup.append_singly(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) OWNER TO topup_owner;

--
-- Name: assign_suspense(uuid, text, text, text); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.assign_suspense(p_event_id uuid, p_tx_ref text, p_reason text, p_assigned_by text) RETURNS topup.outcome
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_waiting topup.events := topup.waiting_transfer(p_event_id);
    -- That of the transfer itself where it is known: so nothing can credit it once more.
    v_event_id uuid := coalesce(
        (v_waiting.data ->> 'held_event_id')::uuid,
        topup.derived_event_id('suspense.assigned/' || p_event_id)
    );
    v_role text := CASE v_waiting.type WHEN 'payment.conflict' THEN 'conflict' ELSE 'suspense' END;
    v_seq bigint;
    v_recorded topup.events;
BEGIN
    PERFORM topup.lock_topups(ARRAY[p_tx_ref]);
    v_seq := (SELECT t.seq + 1 FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref);
    IF v_seq IS NULL THEN
        RAISE EXCEPTION 'there is no such top-up' USING ERRCODE = 'TU002', DETAIL = p_tx_ref;
    ELSIF v_waiting.event_id IS NULL THEN
        RAISE EXCEPTION 'there is no such transfer that waits for a person'
        USING ERRCODE = 'TU007', DETAIL = p_event_id::text;
    ELSIF coalesce(btrim(p_reason), '') = '' THEN
        RAISE EXCEPTION 'an assignment needs a reason' USING ERRCODE = 'TU009';
    ELSIF coalesce(btrim(p_assigned_by), '') = '' THEN
        RAISE EXCEPTION 'an assignment needs a name' USING ERRCODE = 'TU017';
    END IF;

    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    VALUES (
        v_event_id, p_tx_ref, v_seq, 'suspense.assigned',
        jsonb_build_object(
            v_role || '_event_id', p_event_id, 'order_code', v_waiting.data -> 'order_code',
            'amount', v_waiting.data -> 'amount', 'reason', p_reason, 'assigned_by', p_assigned_by
        ),
        clock_timestamp()
    )
    ON CONFLICT (event_id) DO NOTHING;
    IF FOUND THEN
        RETURN ROW(1, 'applied', p_tx_ref, v_seq, NULL)::topup.outcome;
    END IF;

    v_recorded := (SELECT e FROM topup.events AS e WHERE e.event_id = v_event_id);
    IF v_recorded.type <> 'suspense.assigned' THEN
        RAISE EXCEPTION 'this transfer has been recorded meanwhile'
        USING ERRCODE = 'TU016', DETAIL = v_event_id::text;
    ELSIF v_recorded.tx_ref <> p_tx_ref THEN
        RAISE EXCEPTION 'this transfer was assigned to another top-up'
        USING ERRCODE = 'TU008', DETAIL = v_recorded.tx_ref;
    END IF;
    RETURN ROW(1, 'duplicate', p_tx_ref, v_recorded.seq, NULL)::topup.outcome;
END
$$;


ALTER FUNCTION topup.assign_suspense(p_event_id uuid, p_tx_ref text, p_reason text, p_assigned_by text) OWNER TO topup_owner;

--
-- Name: check_schedule(); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.check_schedule() RETURNS double precision[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT string_to_array(
        coalesce(nullif(current_setting('napvi.check_schedule', true), ''), '30,120,600,3600'), ','
    )::double precision[]
$$;


ALTER FUNCTION topup.check_schedule() OWNER TO topup_owner;

--
-- Name: claim_checks(integer, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.claim_checks(p_at_once integer, p_lease_seconds double precision) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_now timestamptz;
    v_lease CONSTANT interval := make_interval(secs => p_lease_seconds);
    v_room integer;
    v_due text[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('topup.payos_checks', 0)) THEN
        RETURN;
    END IF;
    v_now := clock_timestamp();
    v_room := p_at_once - (
        SELECT count(*) FROM topup.payos_checks AS c WHERE c.claimed_until > v_now
    );
    IF v_room <= 0 THEN
        RETURN;
    END IF;

    v_due := ARRAY(
        SELECT c.tx_ref FROM topup.payos_checks AS c
        WHERE c.next_at <= v_now AND (c.claimed_until > v_now) IS NOT TRUE
        ORDER BY c.next_at
        LIMIT 256
        FOR UPDATE SKIP LOCKED
    );
    WITH settled AS (
        SELECT t.tx_ref, topup.payable_until(t.expires_at) AS last_at
        FROM topup.topups AS t
        WHERE t.tx_ref = ANY (v_due) AND t.status = 'confirmed'
    )

    UPDATE topup.payos_checks AS c SET next_at = s.last_at
    FROM settled AS s
    WHERE c.tx_ref = s.tx_ref AND s.last_at > v_now AND NOT c.doubtful;

    RETURN QUERY
    UPDATE topup.payos_checks AS c
    SET next_at = v_now + v_lease, claimed_until = v_now + v_lease
    WHERE c.tx_ref IN (
        SELECT d.tx_ref FROM topup.payos_checks AS d
        WHERE d.tx_ref = ANY (v_due) AND d.next_at <= v_now
        ORDER BY d.next_at
        LIMIT v_room
    )
    RETURNING c.tx_ref;
END
$$;


ALTER FUNCTION topup.claim_checks(p_at_once integer, p_lease_seconds double precision) OWNER TO topup_owner;

--
-- Name: claim_link(text, uuid, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.claim_link(p_tx_ref text, p_request_id uuid, p_claim_seconds double precision) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION topup.claim_link(p_tx_ref text, p_request_id uuid, p_claim_seconds double precision) OWNER TO topup_owner;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: topups; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.topups (
    tx_ref text NOT NULL,
    user_id bigint NOT NULL,
    order_code bigint,
    payment_link_id text,
    checkout_url text,
    qr_code text,
    bank_bin text,
    account_number text,
    account_name text,
    transfer_message text,
    amount bigint NOT NULL,
    amount_paid bigint NOT NULL,
    status text NOT NULL,
    late boolean NOT NULL,
    seq bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    confirmed_at timestamp with time zone,
    closed_at timestamp with time zone,
    idempotency_key text,
    idempotency_fingerprint text,
    CONSTRAINT topups_amount_check CHECK ((amount > 0)),
    CONSTRAINT topups_amount_paid_check CHECK ((amount_paid >= 0)),
    CONSTRAINT topups_order_code_check CHECK ((((order_code >= 1) AND (order_code <= '9007199254740991'::bigint)) AND (order_code <> 123))),
    CONSTRAINT topups_seq_check CHECK ((seq > 0)),
    CONSTRAINT topups_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'underpaid'::text, 'confirmed'::text, 'failed'::text, 'cancelled'::text, 'expired'::text]))),
    CONSTRAINT topups_tx_ref_check CHECK ((tx_ref ~ '^T[0-9A-HJKMNP-TV-Z]{8}$'::text))
)
WITH (fillfactor='80');


ALTER TABLE topup.topups OWNER TO topup_owner;

--
-- Name: TABLE topups; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.topups IS 'Current state of each top-up: the fold of its events.';


--
-- Name: COLUMN topups.tx_ref; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.tx_ref IS 'Names the top-up; sent to PayOS as the description.';


--
-- Name: COLUMN topups.user_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.user_id IS 'Whose wallet is credited.';


--
-- Name: COLUMN topups.order_code; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.order_code IS 'The order at PayOS; null for other payment methods.';


--
-- Name: COLUMN topups.payment_link_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.payment_link_id IS 'The payment link at PayOS.';


--
-- Name: COLUMN topups.checkout_url; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.checkout_url IS 'The page to pay on.';


--
-- Name: COLUMN topups.qr_code; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.qr_code IS 'VietQR text for a bank app.';


--
-- Name: COLUMN topups.bank_bin; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.bank_bin IS 'The receiving bank.';


--
-- Name: COLUMN topups.account_number; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.account_number IS 'The receiving account.';


--
-- Name: COLUMN topups.account_name; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.account_name IS 'The name of the receiving account.';


--
-- Name: COLUMN topups.transfer_message; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.transfer_message IS 'What a payer writes who types the transfer by hand: the tx_ref with the code of PayOS.';


--
-- Name: COLUMN topups.amount; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.amount IS 'Asked for, in đồng.';


--
-- Name: COLUMN topups.amount_paid; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.amount_paid IS 'Received so far, in đồng.';


--
-- Name: COLUMN topups.status; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.status IS 'See docs/events.md.';


--
-- Name: COLUMN topups.late; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.late IS 'Money came after the top-up was closed.';


--
-- Name: COLUMN topups.seq; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.seq IS 'Number of its events; the seq of the latest.';


--
-- Name: COLUMN topups.opened_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.opened_at IS 'Recording of topup.opened.';


--
-- Name: COLUMN topups.expires_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.expires_at IS 'When PayOS stops taking the payment.';


--
-- Name: COLUMN topups.confirmed_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.confirmed_at IS 'Recording of the transfer that reached the amount.';


--
-- Name: COLUMN topups.closed_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.closed_at IS 'Closed without money: failed, cancelled or expired.';


--
-- Name: COLUMN topups.idempotency_key; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.idempotency_key IS 'Given by the client; a repeat finds this top-up.';


--
-- Name: COLUMN topups.idempotency_fingerprint; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.topups.idempotency_fingerprint IS 'What was asked for under the key.';


--
-- Name: close(topup.topups, text, timestamp with time zone); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.close(p_state topup.topups, p_status text, p_recorded_at timestamp with time zone) RETURNS topup.topups
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_next topup.topups := p_state;
BEGIN
    IF p_state.status = 'pending' THEN
        v_next.status := p_status;
        v_next.closed_at := p_recorded_at;
    END IF;
    RETURN v_next;
END
$$;


ALTER FUNCTION topup.close(p_state topup.topups, p_status text, p_recorded_at timestamp with time zone) OWNER TO topup_owner;

--
-- Name: close_streams(integer, bigint[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.close_streams(p_worker_id integer, p_stream_ids bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
        WHERE o.worker_id = p_worker_id AND o.stream_id = ANY (p_stream_ids)
        ORDER BY o.stream_id
        FOR UPDATE
    )
$$;


ALTER FUNCTION topup.close_streams(p_worker_id integer, p_stream_ids bigint[]) OWNER TO topup_owner;

--
-- Name: credit(topup.topups, bigint, timestamp with time zone); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.credit(p_state topup.topups, p_amount bigint, p_recorded_at timestamp with time zone) RETURNS topup.topups
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION topup.credit(p_state topup.topups, p_amount bigint, p_recorded_at timestamp with time zone) OWNER TO topup_owner;

--
-- Name: derived_event_id(text); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.derived_event_id(p_description text) RETURNS uuid
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT left(encode(sha256(convert_to(p_description, 'UTF8')), 'hex'), 32)::uuid
$$;


ALTER FUNCTION topup.derived_event_id(p_description text) OWNER TO topup_owner;

--
-- Name: events_after_insert(); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.events_after_insert() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM topup.project_event(NEW);
    IF NEW.tx_ref IS NOT NULL THEN
        PERFORM topup.notify_topup(NEW.tx_ref, NEW.seq);
        IF NEW.type = 'topup.opened' THEN
            PERFORM topup.schedule_check(NEW.tx_ref, false);
        ELSIF NEW.data ? 'held_event_id' AND NEW.data ->> 'source' IS DISTINCT FROM 'payos.get' THEN
            PERFORM topup.schedule_check(NEW.tx_ref, true); -- an answer may list both
        END IF;
    END IF;
    RETURN NULL;
END
$$;


ALTER FUNCTION topup.events_after_insert() OWNER TO topup_owner;

--
-- Name: expire_streams(integer, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.expire_streams(p_worker_id integer, p_idle_seconds double precision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    UPDATE topup.stream_leases AS l SET ended = 'login_ended'
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
        WHERE
            o.worker_id = p_worker_id
            AND o.ended IS NULL
            AND NOT EXISTS (
                SELECT FROM topup.sessions AS s
                WHERE
                    s.session_hash = o.session_hash
                    AND topup.session_is_open(s, p_idle_seconds)
            )
        ORDER BY o.stream_id
        FOR UPDATE OF o
    );

    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT d.worker_id, d.stream_id FROM topup.stream_leases AS d
        WHERE d.worker_id IN (
            SELECT w.worker_id
            FROM (SELECT DISTINCT o.worker_id FROM topup.stream_leases AS o) AS w
            WHERE w.worker_id <> p_worker_id AND NOT topup.worker_is_alive(w.worker_id)
        )
        FOR UPDATE OF d SKIP LOCKED
    );
END
$$;


ALTER FUNCTION topup.expire_streams(p_worker_id integer, p_idle_seconds double precision) OWNER TO topup_owner;

--
-- Name: find_alike(topup.fact, topup.fact[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.find_alike(p_fact topup.fact, p_facts topup.fact[]) RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT o.event_id
    FROM (
        SELECT e.event_id, e.data FROM topup.events AS e
        WHERE
            e.tx_ref = coalesce(
                p_fact.tx_ref,
                (
                    SELECT t.tx_ref FROM topup.topups AS t
                    WHERE t.order_code = (p_fact.data ->> 'order_code')::bigint
                )
            )
            AND e.type = 'payment.received'
        UNION ALL
        SELECT e.event_id, e.data FROM topup.events AS e
        WHERE
            e.tx_ref IS NULL
            AND e.type = 'payment.received'
            AND e.data ->> 'unmatched' = 'reference.missing'
            AND e.data ->> 'order_code' = p_fact.data ->> 'order_code'
        UNION ALL
        SELECT f.event_id, f.data FROM unnest(p_facts) AS f
        WHERE
            f.type = 'payment.received'
            AND (
                f.tx_ref = p_fact.tx_ref
                OR 'reference.missing' IN (f.data ->> 'unmatched', p_fact.data ->> 'unmatched')
                AND f.data ->> 'order_code' = p_fact.data ->> 'order_code'
            )
    ) AS o
    WHERE
        o.data ->> 'amount' = p_fact.data ->> 'amount'
        AND coalesce(
            left(o.data ->> 'transaction_at', length('2026-01-02T03:04'))
            = left(p_fact.data ->> 'transaction_at', length('2026-01-02T03:04')),
            true
        )
        AND CASE 'payos.get'
            WHEN p_fact.data ->> 'source' THEN
                o.data ->> 'source' IS DISTINCT FROM 'payos.get'
                AND NOT coalesce(p_fact.data -> 'listed' ? (o.data ->> 'reference'), false)
            WHEN o.data ->> 'source' THEN
                NOT coalesce(o.data -> 'listed' ? (p_fact.data ->> 'reference'), false)
            ELSE false
        END
    LIMIT 1
$$;


ALTER FUNCTION topup.find_alike(p_fact topup.fact, p_facts topup.fact[]) OWNER TO topup_owner;

--
-- Name: find_opened(text, bigint, text); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.find_opened(p_tx_ref text, p_user_id bigint, p_idempotency_key text) RETURNS topup.topups
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT t FROM topup.topups AS t
    WHERE
        t.user_id = p_user_id
        AND (
            t.idempotency_key = p_idempotency_key
            OR t.tx_ref = p_tx_ref AND num_nonnulls(t.idempotency_key, p_idempotency_key) = 0
        )
$$;


ALTER FUNCTION topup.find_opened(p_tx_ref text, p_user_id bigint, p_idempotency_key text) OWNER TO topup_owner;

--
-- Name: finish_check(text, boolean); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.finish_check(p_tx_ref text, p_answered boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_schedule CONSTANT double precision [] := topup.check_schedule();
    v_now CONSTANT timestamptz := clock_timestamp();
    v_asked CONSTANT integer := (
        SELECT c.asked FROM topup.payos_checks AS c WHERE c.tx_ref = p_tx_ref
    );
    v_next_at timestamptz := (
        SELECT topup.next_check(t, v_now, v_schedule)
        FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref
    );
BEGIN
    IF NOT p_answered THEN
        v_next_at := v_now + make_interval(secs => least(
            v_schedule[1] * 2 ^ least(v_asked, 20), v_schedule[cardinality(v_schedule)]
        ));
    END IF;
    IF v_next_at IS NULL THEN
        DELETE FROM topup.payos_checks AS c WHERE c.tx_ref = p_tx_ref;
        RETURN;
    END IF;
    UPDATE topup.payos_checks AS c SET
        next_at = v_next_at,
        asked = c.asked + 1,
        claimed_until = NULL,
        doubtful = c.doubtful AND NOT p_answered
    WHERE c.tx_ref = p_tx_ref;
END
$$;


ALTER FUNCTION topup.finish_check(p_tx_ref text, p_answered boolean) OWNER TO topup_owner;

--
-- Name: first_answer(text); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.first_answer(p_tx_ref text) RETURNS topup.topups
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT topup.fold(e ORDER BY e.seq)
    FROM topup.events AS e
    WHERE
        e.tx_ref = p_tx_ref
        AND e.seq <= coalesce(
            (
                SELECT min(l.seq) FROM topup.events AS l
                WHERE l.tx_ref = p_tx_ref AND l.type = 'topup.linked'
            ),
            e.seq
        )
$$;


ALTER FUNCTION topup.first_answer(p_tx_ref text) OWNER TO topup_owner;

--
-- Name: judge_facts(topup.fact[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.judge_facts(p_facts topup.fact[]) RETURNS topup.fact[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_facts topup.fact[] := ARRAY[]::topup.fact[];
    v_fact topup.fact;
    v_topup topup.topups;
    v_seen text[] := ARRAY[]::text[];
    v_unmatched text;
BEGIN
    FOREACH v_fact IN ARRAY p_facts LOOP
        IF v_fact.type IN (
            'topup.opened', 'topup.renumbered', 'payment.conflict', 'suspense.assigned'
        ) THEN
            RAISE EXCEPTION 'events of this type come through another door'
            USING ERRCODE = 'TU006', DETAIL = v_fact.type;
        END IF;

        v_topup := (SELECT t FROM topup.topups AS t WHERE t.tx_ref = v_fact.tx_ref);
        IF v_fact.tx_ref = ANY (v_seen) THEN
            v_topup := topup.state_in_batch(v_topup, v_facts);
        END IF;
        IF v_fact.tx_ref IS NOT NULL AND v_topup.tx_ref IS NULL THEN
            RAISE EXCEPTION 'there is no such top-up'
            USING ERRCODE = 'TU002', DETAIL = v_fact.tx_ref;
        END IF;
        v_unmatched := topup.mismatch(v_fact.data, v_topup);
        IF v_unmatched IS NOT NULL THEN
            v_fact.tx_ref := NULL;
            v_fact.data := (v_fact.data - 'matched_by')
                || jsonb_build_object('unmatched', v_unmatched);
        END IF;

        v_fact := topup.judge_repeat(v_fact, v_topup, v_facts);
        v_facts := v_facts || v_fact;
        v_seen := v_seen || v_fact.tx_ref;
    END LOOP;
    RETURN v_facts;
END
$$;


ALTER FUNCTION topup.judge_facts(p_facts topup.fact[]) OWNER TO topup_owner;

--
-- Name: judge_repeat(topup.fact, topup.topups, topup.fact[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.judge_repeat(p_fact topup.fact, p_topup topup.topups, p_facts topup.fact[]) RETURNS topup.fact
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_fact topup.fact := p_fact;
    v_recorded jsonb := coalesce(
        (SELECT e.data FROM topup.events AS e WHERE e.event_id = p_fact.event_id),
        (SELECT f.data FROM unnest(p_facts) AS f WHERE f.event_id = p_fact.event_id LIMIT 1)
    );
    v_alike uuid;
BEGIN
    IF v_recorded IS NOT NULL THEN
        IF
            v_recorded ->> 'amount' IS DISTINCT FROM v_fact.data ->> 'amount'
            OR v_recorded ->> 'order_code' IS DISTINCT FROM v_fact.data ->> 'order_code'
        THEN
            v_fact.type := 'payment.conflict';
            v_fact.data := v_fact.data || jsonb_build_object('conflicts_with', v_fact.event_id);
            v_fact.event_id := topup.derived_event_id(concat_ws(
                '/', v_fact.event_id, v_fact.data ->> 'order_code', v_fact.data ->> 'amount'
            ));
        END IF;
        RETURN v_fact;
    END IF;

    IF v_fact.type <> 'payment.received' OR (CASE
        WHEN v_fact.tx_ref IS NULL
            THEN v_fact.data ->> 'unmatched' IS DISTINCT FROM 'reference.missing'
        ELSE p_topup.amount_paid = 0 AND v_fact.data ->> 'source' IS DISTINCT FROM 'payos.get'
    END) THEN
        RETURN v_fact; -- the usual case: a webhook with the first money of a top-up
    END IF;
    v_alike := topup.find_alike(v_fact, p_facts);
    IF v_alike IS NOT NULL THEN
        v_fact.type := 'payment.conflict';
        v_fact.data := v_fact.data
            || jsonb_build_object('held_event_id', v_fact.event_id, 'conflicts_with', v_alike);
        v_fact.event_id := topup.derived_event_id(v_fact.event_id || '/held');
    END IF;
    RETURN v_fact;
END
$$;


ALTER FUNCTION topup.judge_repeat(p_fact topup.fact, p_topup topup.topups, p_facts topup.fact[]) OWNER TO topup_owner;

--
-- Name: judge_streams(bigint[], bytea[], text[], bigint[], double precision, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.judge_streams(p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision) RETURNS topup.stream_opening[]
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT array_agg(
        ROW(
            r.stream_id,
            CASE
                WHEN s.user_id IS NULL THEN 'not_logged_in'
                WHEN t.tx_ref IS NULL THEN 'not_found'
                WHEN
                    t.seq = r.after
                    AND t.status NOT IN ('pending', 'underpaid')
                    AND (
                        SELECT u.final FROM topup.read_updates(
                            ARRAY[t.tx_ref], ARRAY[NULL::bigint], p_grace_seconds
                        ) AS u
                    )
                THEN 'finished'
                ELSE 'open'
            END,
            s.user_id, r.session_hash, r.tx_ref
        )::topup.stream_opening
    )
    FROM (
        SELECT a.stream_id, a.session_hash, a.tx_ref, a.after
        FROM unnest(p_stream_ids, p_session_hashes, p_tx_refs, p_afters)
            AS a (stream_id, session_hash, tx_ref, after)
        ORDER BY a.session_hash
    ) AS r
    LEFT JOIN LATERAL topup.touch_session(r.session_hash, p_idle_seconds) AS s ON true
    LEFT JOIN topup.topups AS t ON t.tx_ref = r.tx_ref AND t.user_id = s.user_id
$$;


ALTER FUNCTION topup.judge_streams(p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision) OWNER TO topup_owner;

--
-- Name: keep_body(bytea, text); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.keep_body(p_raw bytea, p_fault text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    INSERT INTO topup.payos_bodies (body_sha256, raw, fault)
    VALUES (sha256(p_raw), p_raw, p_fault)
    ON CONFLICT DO NOTHING
$$;


ALTER FUNCTION topup.keep_body(p_raw bytea, p_fault text) OWNER TO topup_owner;

--
-- Name: ledger_entries_balance(); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.ledger_entries_balance() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_sum numeric;
BEGIN
    v_sum := (SELECT sum(l.amount) FROM topup.ledger_entries AS l WHERE l.event_id = NEW.event_id);
    IF v_sum <> 0 THEN
        RAISE EXCEPTION 'the ledger entries of an event do not sum to zero'
        USING ERRCODE = 'TU011', DETAIL = NEW.event_id::text;
    END IF;
    RETURN NULL;
END
$$;


ALTER FUNCTION topup.ledger_entries_balance() OWNER TO topup_owner;

--
-- Name: limit_open_topups(bigint, integer); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.limit_open_topups(p_user_id bigint, p_open_max integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_now CONSTANT timestamptz := clock_timestamp();
    v_expiries timestamptz[] := ARRAY(
        SELECT t.expires_at FROM topup.topups AS t
        WHERE
            t.user_id = p_user_id
            AND t.status IN ('pending', 'underpaid')
            AND t.expires_at > v_now
        ORDER BY t.expires_at
    );
BEGIN
    IF cardinality(v_expiries) >= p_open_max THEN
        RAISE EXCEPTION 'this user has too many open top-ups'
        USING
            ERRCODE = 'TU012',
            DETAIL = ceil(extract(EPOCH FROM v_expiries[1] - v_now))::text;
    END IF;
END
$$;


ALTER FUNCTION topup.limit_open_topups(p_user_id bigint, p_open_max integer) OWNER TO topup_owner;

--
-- Name: limit_streams(bigint, integer, bigint[], integer, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.limit_streams(p_user_id bigint, p_worker_id integer, p_stream_ids bigint[], p_per_user_max integer, p_spare_seconds double precision) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_leases topup.stream_leases[];
    v_excess integer;
    v_worker_id integer;
    v_old_enough CONSTANT timestamptz :=
        clock_timestamp() - make_interval(secs => p_spare_seconds);
BEGIN
    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT d.worker_id, d.stream_id FROM topup.stream_leases AS d
        WHERE d.user_id = p_user_id AND d.worker_id IN (
            SELECT w.worker_id
            FROM (
                SELECT DISTINCT o.worker_id FROM topup.stream_leases AS o
                WHERE o.user_id = p_user_id AND o.worker_id <> p_worker_id
            ) AS w
            WHERE NOT topup.worker_is_alive(w.worker_id)
        )
        FOR UPDATE OF d SKIP LOCKED
    );

    v_leases := ARRAY( -- whoever holds a row is ending or closing that stream
        SELECT l FROM topup.stream_leases AS l
        WHERE l.user_id = p_user_id AND l.ended IS NULL
        FOR UPDATE SKIP LOCKED
    );
    v_excess := cardinality(v_leases) - p_per_user_max;
    FOR v_worker_id IN
        UPDATE topup.stream_leases AS l SET ended = 'superseded'
        WHERE (l.worker_id, l.stream_id) IN (
            SELECT o.worker_id, o.stream_id FROM unnest(v_leases) AS o
            WHERE o.opened_at <= v_old_enough
            ORDER BY o.opened_at, o.worker_id, o.stream_id
            LIMIT greatest(v_excess, 0)
        )
        RETURNING l.worker_id
    LOOP
        v_excess := v_excess - 1;
        PERFORM topup.notify_if_room('worker:' || v_worker_id, '');
    END LOOP;

    DELETE FROM topup.stream_leases AS l
    WHERE l.worker_id = p_worker_id AND l.stream_id IN (
        SELECT n.id FROM unnest(p_stream_ids) AS n (id)
        ORDER BY n.id DESC
        LIMIT greatest(v_excess, 0)
    );
END
$$;


ALTER FUNCTION topup.limit_streams(p_user_id bigint, p_worker_id integer, p_stream_ids bigint[], p_per_user_max integer, p_spare_seconds double precision) OWNER TO topup_owner;

--
-- Name: lock_streams(bytea[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.lock_streams(p_session_hashes bytea[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7282, u.key)
    FROM (
        SELECT DISTINCT (s.user_id % 2147483647)::integer AS key FROM topup.sessions AS s
        WHERE s.session_hash = ANY (p_session_hashes)
        ORDER BY key
    ) AS u;
END
$$;


ALTER FUNCTION topup.lock_streams(p_session_hashes bytea[]) OWNER TO topup_owner;

--
-- Name: lock_topups(text[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.lock_topups(p_tx_refs text[]) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_users bigint[];
BEGIN
    PERFORM 1 FROM topup.topups AS t
    WHERE t.tx_ref = ANY (p_tx_refs)
    ORDER BY t.tx_ref
    FOR NO KEY UPDATE;

    v_users := ARRAY(SELECT t.user_id FROM topup.topups AS t WHERE t.tx_ref = ANY (p_tx_refs));

    PERFORM 1 FROM topup.wallets AS w
    WHERE w.user_id = ANY (v_users)
    ORDER BY w.user_id
    FOR NO KEY UPDATE;

    -- Without it, two batches with the same strangers would wait for each other's event ids.
    IF array_position(p_tx_refs, NULL) IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('topup.suspense', 0));
    END IF;
END
$$;


ALTER FUNCTION topup.lock_topups(p_tx_refs text[]) OWNER TO topup_owner;

--
-- Name: match_facts(topup.fact[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.match_facts(p_facts topup.fact[]) RETURNS topup.fact[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT array_agg(
        ROW(
            f.ordinal, f.event_id, f.type, coalesce(f.tx_ref, m.tx_ref),
            f.data || coalesce(m.note, '{}'), f.occurred_at, f.body
        )::topup.fact
        ORDER BY f.ordinal
    )
    FROM unnest(p_facts) AS f
    LEFT JOIN LATERAL topup.match_topup(f.data) AS m ON f.tx_ref IS NULL
$$;


ALTER FUNCTION topup.match_facts(p_facts topup.fact[]) OWNER TO topup_owner;

--
-- Name: match_topup(jsonb); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.match_topup(p_data jsonb) RETURNS TABLE(tx_ref text, note jsonb)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_tx_refs text[];
BEGIN
    IF p_data ? 'unmatchable' THEN
        RETURN QUERY SELECT NULL::text, jsonb_build_object('unmatched', p_data ->> 'unmatchable');
        RETURN;
    END IF;

    RETURN QUERY
    SELECT t.tx_ref, jsonb_build_object('matched_by', 'order_code')
    FROM topup.topups AS t
    WHERE t.order_code = (p_data ->> 'order_code')::bigint;
    IF FOUND THEN
        RETURN;
    END IF;

    v_tx_refs := ARRAY(
        SELECT t.tx_ref
        FROM topup.topups AS t
        WHERE
            t.tx_ref IN (SELECT jsonb_array_elements_text(p_data -> 'description_tx_refs'))
            AND t.status = 'pending'
            AND t.amount = (p_data ->> 'amount')::bigint
    );
    RETURN QUERY
    SELECT
        CASE WHEN cardinality(v_tx_refs) = 1 THEN v_tx_refs[1] END,
        CASE cardinality(v_tx_refs)
            WHEN 0 THEN jsonb_build_object('unmatched', 'order_code.unknown')
            WHEN 1 THEN jsonb_build_object('matched_by', 'description')
            ELSE jsonb_build_object('unmatched', 'description.ambiguous')
        END;
END
$$;


ALTER FUNCTION topup.match_topup(p_data jsonb) OWNER TO topup_owner;

--
-- Name: mismatch(jsonb, topup.topups); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.mismatch(p_data jsonb, p_topup topup.topups) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RETURN CASE p_data ->> 'matched_by'
        WHEN 'order_code' THEN
            CASE
                WHEN p_data ->> 'payment_link_id' <> p_topup.payment_link_id
                    THEN 'payment_link_id.foreign'
                WHEN (p_data ->> 'order_code')::bigint <> p_topup.order_code
                    THEN 'order_code.unknown'
                WHEN
                    p_topup.payment_link_id IS NULL
                    AND jsonb_array_length(p_data -> 'description_tx_refs') > 0
                    AND NOT EXISTS (
                        SELECT FROM topup.topups AS t
                        WHERE t.tx_ref IN (
                            SELECT jsonb_array_elements_text(p_data -> 'description_tx_refs')
                        )
                    )
                    THEN 'payment_link_id.foreign'
            END
        WHEN 'description' THEN
            CASE WHEN p_topup.status <> 'pending' THEN 'order_code.unknown' END
    END;
END
$$;


ALTER FUNCTION topup.mismatch(p_data jsonb, p_topup topup.topups) OWNER TO topup_owner;

--
-- Name: next_check(topup.topups, timestamp with time zone, double precision[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.next_check(p_topup topup.topups, p_now timestamp with time zone, p_schedule double precision[]) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT min(c.at)
    FROM (
        SELECT topup.payable_until(p_topup.expires_at) AS at
        UNION ALL
        SELECT p_topup.opened_at + make_interval(secs => s.seconds)
        FROM unnest(trim_array(p_schedule, 1)) AS s (seconds)
        WHERE p_topup.status <> 'confirmed'
        UNION ALL
        SELECT p_now + make_interval(secs => p_schedule[cardinality(p_schedule)])
        WHERE p_topup.status <> 'confirmed'
    ) AS c
    WHERE c.at > p_now AND c.at <= p_topup.expires_at + interval '48 hours'
$$;


ALTER FUNCTION topup.next_check(p_topup topup.topups, p_now timestamp with time zone, p_schedule double precision[]) OWNER TO topup_owner;

--
-- Name: events; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.events (
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    tx_ref text,
    seq bigint,
    type text NOT NULL,
    data jsonb NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    recorded_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT events_money_has_amount CHECK (((type <> ALL (ARRAY['payment.received'::text, 'suspense.assigned'::text])) OR (((((data ->> 'amount'::text))::bigint >= 1) AND (((data ->> 'amount'::text))::bigint <= '9007199254740991'::bigint)) IS TRUE))),
    CONSTRAINT events_only_payments_in_suspense CHECK (((tx_ref IS NOT NULL) OR (type = ANY (ARRAY['payment.received'::text, 'payment.failed'::text, 'payment.conflict'::text])))),
    CONSTRAINT events_opened_first CHECK (((type = 'topup.opened'::text) = (seq = 1))),
    CONSTRAINT events_seq_check CHECK ((seq > 0)),
    CONSTRAINT events_seq_within_tx_ref CHECK (((tx_ref IS NULL) = (seq IS NULL))),
    CONSTRAINT events_type_check CHECK ((type = ANY (ARRAY['topup.opened'::text, 'topup.renumbered'::text, 'topup.linked'::text, 'topup.cancelled'::text, 'topup.expired'::text, 'payment.received'::text, 'payment.failed'::text, 'payment.conflict'::text, 'suspense.assigned'::text])))
);


ALTER TABLE topup.events OWNER TO topup_owner;

--
-- Name: TABLE events; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.events IS 'What happened. Rows are added and never changed.';


--
-- Name: COLUMN events.id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.id IS 'Identity; its order is not the order of commits.';


--
-- Name: COLUMN events.event_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.event_id IS 'Names the fact, so that it is recorded once.';


--
-- Name: COLUMN events.tx_ref; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.tx_ref IS 'The top-up; null while the money is in suspense.';


--
-- Name: COLUMN events.seq; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.seq IS '1, 2, 3 … within the top-up, without gap.';


--
-- Name: COLUMN events.type; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.type IS 'See docs/events.md.';


--
-- Name: COLUMN events.data; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.data IS 'The facts of the type, without payer data.';


--
-- Name: COLUMN events.occurred_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.occurred_at IS 'When it happened, by the clock of its source.';


--
-- Name: COLUMN events.recorded_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.events.recorded_at IS 'When it was recorded, by the clock of this database.';


--
-- Name: next_state(topup.topups, topup.events); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.next_state(p_state topup.topups, p_event topup.events) RETURNS topup.topups
    LANGUAGE plpgsql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
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


ALTER FUNCTION topup.next_state(p_state topup.topups, p_event topup.events) OWNER TO topup_owner;

--
-- Name: notify_if_room(text, text); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.notify_if_room(p_channel text, p_payload text, OUT sent boolean, OUT queue_usage numeric) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    queue_usage := pg_notification_queue_usage();
    sent := queue_usage < 0.5;
    IF sent THEN
        PERFORM pg_notify(p_channel, p_payload);
    END IF;
END
$$;


ALTER FUNCTION topup.notify_if_room(p_channel text, p_payload text, OUT sent boolean, OUT queue_usage numeric) OWNER TO topup_owner;

--
-- Name: notify_topup(text, bigint); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.notify_topup(p_tx_ref text, p_seq bigint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF pg_notification_queue_usage() < 0.5 THEN
        PERFORM pg_notify('topup:' || p_tx_ref, p_seq::text);
    END IF;
END
$$;


ALTER FUNCTION topup.notify_topup(p_tx_ref text, p_seq bigint) OWNER TO topup_owner;

--
-- Name: nudge_checks(text[], double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.nudge_checks(p_tx_refs text[], p_wait_seconds double precision) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    UPDATE topup.payos_checks AS c SET
        next_at = clock_timestamp() + make_interval(secs => p_wait_seconds),
        nudged_at = clock_timestamp()
    WHERE c.tx_ref IN (
        SELECT d.tx_ref
        FROM topup.payos_checks AS d
        INNER JOIN topup.topups AS t ON t.tx_ref = d.tx_ref
        WHERE
            d.tx_ref = ANY (p_tx_refs)
            AND t.status <> 'confirmed'
            AND t.opened_at < clock_timestamp() - make_interval(secs => p_wait_seconds)
            AND d.claimed_until IS NULL
            AND d.next_at > clock_timestamp() + make_interval(secs => p_wait_seconds)
            AND coalesce(d.nudged_at, '-infinity') <= clock_timestamp()
                - make_interval(secs => (topup.check_schedule())[1])
        FOR UPDATE OF d SKIP LOCKED
    )
$$;


ALTER FUNCTION topup.nudge_checks(p_tx_refs text[], p_wait_seconds double precision) OWNER TO topup_owner;

--
-- Name: open_session(bytea, bigint, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.open_session(p_session_hash bytea, p_user_id bigint, p_absolute_seconds double precision) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    INSERT INTO topup.sessions (session_hash, user_id, expires_at)
    VALUES (
        p_session_hash, p_user_id, clock_timestamp() + make_interval(secs => p_absolute_seconds)
    )
    ON CONFLICT (session_hash) DO NOTHING;
$$;


ALTER FUNCTION topup.open_session(p_session_hash bytea, p_user_id bigint, p_absolute_seconds double precision) OWNER TO topup_owner;

--
-- Name: open_streams(integer, bigint[], bytea[], text[], bigint[], double precision, double precision, integer, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.open_streams(p_worker_id integer, p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision, p_per_user_max integer, p_spare_seconds double precision) RETURNS SETOF topup.stream_opening
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_openings topup.stream_opening[];
    v_user record;
BEGIN
    PERFORM topup.lock_streams(p_session_hashes);
    v_openings := topup.judge_streams(
        p_stream_ids, p_session_hashes, p_tx_refs, p_afters, p_idle_seconds, p_grace_seconds
    );
    INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref)
    SELECT p_worker_id, o.stream_id, o.user_id, o.session_hash, o.tx_ref
    FROM unnest(v_openings) AS o
    WHERE o.verdict = 'open'
    ON CONFLICT (worker_id, stream_id) DO NOTHING; -- the answer of the first try was lost

    FOR v_user IN
        SELECT o.user_id, array_agg(o.stream_id) AS stream_ids FROM unnest(v_openings) AS o
        WHERE o.verdict = 'open'
        GROUP BY o.user_id
        HAVING p_per_user_max < (
            SELECT count(*) FROM topup.stream_leases AS l
            WHERE l.user_id = o.user_id AND l.ended IS NULL
        )
    LOOP
        PERFORM topup.limit_streams(
            v_user.user_id, p_worker_id, v_user.stream_ids, p_per_user_max, p_spare_seconds
        );
    END LOOP;

    RETURN QUERY
    SELECT
        o.stream_id,
        CASE WHEN o.verdict = 'open' AND l.stream_id IS NULL THEN 'too_many' ELSE o.verdict END,
        o.user_id, o.session_hash, o.tx_ref
    FROM unnest(v_openings) AS o
    LEFT JOIN topup.stream_leases AS l
        ON l.worker_id = p_worker_id AND l.stream_id = o.stream_id;
END
$$;


ALTER FUNCTION topup.open_streams(p_worker_id integer, p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision, p_per_user_max integer, p_spare_seconds double precision) OWNER TO topup_owner;

--
-- Name: open_topup(text, uuid, bigint, bigint, double precision, integer, text, text, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.open_topup(p_tx_ref text, p_request_id uuid, p_user_id bigint, p_amount bigint, p_expiry_seconds double precision, p_open_max integer, p_idempotency_key text, p_idempotency_fingerprint text, p_claim_seconds double precision) RETURNS topup.topups
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_topup topup.topups := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
BEGIN
    IF v_topup.tx_ref IS NULL THEN
        PERFORM 1 FROM topup.wallets AS w WHERE w.user_id = p_user_id FOR NO KEY UPDATE;
        v_topup := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
    END IF;
    IF v_topup.tx_ref IS NULL THEN
        PERFORM topup.limit_open_topups(p_user_id, p_open_max);
        INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
        VALUES (
            p_request_id, p_tx_ref, 1, 'topup.opened',
            jsonb_build_object(
                'user_id', p_user_id,
                'order_code', nextval('topup.order_codes'),
                'amount', p_amount,
                'expiry_seconds', p_expiry_seconds,
                'idempotency_key', p_idempotency_key,
                'idempotency_fingerprint', p_idempotency_fingerprint
            ),
            clock_timestamp()
        );
        v_topup := topup.find_opened(p_tx_ref, p_user_id, p_idempotency_key);
    END IF;

    IF v_topup.idempotency_fingerprint IS DISTINCT FROM p_idempotency_fingerprint THEN
        RAISE EXCEPTION 'this idempotency key was used for another request'
        USING ERRCODE = 'TU004', DETAIL = v_topup.tx_ref;
    END IF;
    IF p_idempotency_key IS NOT NULL AND v_topup.checkout_url IS NULL THEN
        PERFORM topup.claim_link(v_topup.tx_ref, p_request_id, p_claim_seconds);
    END IF;
    RETURN v_topup;
EXCEPTION WHEN unique_violation THEN
    RAISE EXCEPTION 'this tx_ref belongs to another top-up'
    USING ERRCODE = 'TU005', DETAIL = p_tx_ref;
END
$$;


ALTER FUNCTION topup.open_topup(p_tx_ref text, p_request_id uuid, p_user_id bigint, p_amount bigint, p_expiry_seconds double precision, p_open_max integer, p_idempotency_key text, p_idempotency_fingerprint text, p_claim_seconds double precision) OWNER TO topup_owner;

--
-- Name: payable_until(timestamp with time zone); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.payable_until(p_expires_at timestamp with time zone) RETURNS timestamp with time zone
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT p_expires_at + interval '5 seconds'
$$;


ALTER FUNCTION topup.payable_until(p_expires_at timestamp with time zone) OWNER TO topup_owner;

--
-- Name: postings(topup.events, bigint); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.postings(p_event topup.events, p_user_id bigint) RETURNS TABLE(account text, user_id bigint, amount bigint)
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        CASE WHEN p_event.data ? 'suspense_event_id' THEN 'suspense' ELSE 'payos:clearing' END,
        NULL::bigint,
        -(p_event.data ->> 'amount')::bigint
    WHERE p_event.type IN ('payment.received', 'suspense.assigned')
    UNION ALL
    SELECT
        coalesce('wallet:' || p_user_id::text, 'suspense'),
        p_user_id,
        (p_event.data ->> 'amount')::bigint
    WHERE p_event.type IN ('payment.received', 'suspense.assigned')
$$;


ALTER FUNCTION topup.postings(p_event topup.events, p_user_id bigint) OWNER TO topup_owner;

--
-- Name: project_event(topup.events); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.project_event(p_event topup.events) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_state topup.topups;
    v_posting record;
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

    FOR v_posting IN
        SELECT p.account, p.user_id, p.amount FROM topup.postings(p_event, v_state.user_id) AS p
    LOOP
        UPDATE topup.wallets AS w
        SET balance = w.balance + v_posting.amount, version = w.version + 1
        WHERE w.user_id = v_posting.user_id
        RETURNING w.balance INTO v_balance;

        INSERT INTO topup.ledger_entries
            (event_id, account, user_id, amount, balance_after, recorded_at)
        VALUES (
            p_event.event_id, v_posting.account, v_posting.user_id, v_posting.amount,
            v_balance, p_event.recorded_at
        );
    END LOOP;
END
$$;


ALTER FUNCTION topup.project_event(p_event topup.events) OWNER TO topup_owner;

--
-- Name: read_facts(text[], text[], text[], text[], text[], bytea[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.read_facts(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) RETURNS topup.fact[]
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT array_agg(
        ROW(
            f.ordinal, f.event_id::uuid, f.type, f.tx_ref, f.data::jsonb,
            f.occurred_at::timestamptz, f.body
        )::topup.fact
        ORDER BY f.ordinal
    )
    FROM unnest(p_event_ids, p_types, p_tx_refs, p_data, p_occurred_at, p_bodies)
    WITH ORDINALITY AS f (event_id, type, tx_ref, data, occurred_at, body, ordinal)
$$;


ALTER FUNCTION topup.read_facts(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) OWNER TO topup_owner;

--
-- Name: read_updates(text[], bigint[], double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.read_updates(p_tx_refs text[], p_afters bigint[], p_grace_seconds double precision) RETURNS TABLE(tx_ref text, seq bigint, type text, status text, amount bigint, amount_paid bigint, late boolean, final boolean, wallet_balance bigint, confirmed_at timestamp with time zone, expires_at timestamp with time zone, recorded_at timestamp with time zone)
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    WITH history AS (
        SELECT
            e.tx_ref, e.seq, e.type, e.recorded_at, r.after,
            max(e.seq) OVER (PARTITION BY e.tx_ref) AS head,
            topup.fold(e) OVER (PARTITION BY e.tx_ref ORDER BY e.seq) AS state
        FROM unnest(p_tx_refs, p_afters) AS r (tx_ref, after)
        INNER JOIN topup.events AS e ON e.tx_ref = r.tx_ref
    )
    SELECT
        h.tx_ref, h.seq, h.type, (h.state).status, (h.state).amount, (h.state).amount_paid,
        (h.state).late,
        h.seq = h.head AND (
            (h.state).status = 'confirmed'
            OR coalesce(
                (h.state).closed_at + make_interval(secs => p_grace_seconds) <= clock_timestamp(),
                false
            )
        ),
        coalesce(l.balance_after, 0), (h.state).confirmed_at, (h.state).expires_at, h.recorded_at
    FROM history AS h
    LEFT JOIN LATERAL (
        SELECT l.balance_after FROM topup.ledger_entries AS l
        WHERE l.user_id = (h.state).user_id AND l.recorded_at <= h.recorded_at
        ORDER BY l.id DESC
        LIMIT 1
    ) AS l ON true
    WHERE h.seq > h.after OR h.seq = h.head
    ORDER BY h.tx_ref, h.seq
$$;


ALTER FUNCTION topup.read_updates(p_tx_refs text[], p_afters bigint[], p_grace_seconds double precision) OWNER TO topup_owner;

--
-- Name: reconcile_streams(integer, bigint[], bigint[], bytea[], text[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.reconcile_streams(p_worker_id integer, p_stream_ids bigint[], p_user_ids bigint[], p_session_hashes bytea[], p_tx_refs text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM topup.stream_leases AS l
    WHERE (l.worker_id, l.stream_id) IN (
        SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
        WHERE
            o.worker_id = p_worker_id
            AND NOT EXISTS (SELECT FROM unnest(p_stream_ids) AS r (id) WHERE r.id = o.stream_id)
        ORDER BY o.stream_id
        FOR UPDATE OF o
    );

    INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref)
    SELECT p_worker_id, r.stream_id, r.user_id, r.session_hash, r.tx_ref
    FROM unnest(p_stream_ids, p_user_ids, p_session_hashes, p_tx_refs)
        AS r (stream_id, user_id, session_hash, tx_ref)
    WHERE NOT EXISTS ( -- a conflict would wait for whoever is ending that stream
        SELECT FROM topup.stream_leases AS l
        WHERE l.worker_id = p_worker_id AND l.stream_id = r.stream_id
    )
    ON CONFLICT (worker_id, stream_id) DO NOTHING;
END
$$;


ALTER FUNCTION topup.reconcile_streams(p_worker_id integer, p_stream_ids bigint[], p_user_ids bigint[], p_session_hashes bytea[], p_tx_refs text[]) OWNER TO topup_owner;

--
-- Name: refuse_change(); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    RAISE EXCEPTION 'this table is append-only'
    USING ERRCODE = 'TU010', DETAIL = TG_OP || ' on ' || TG_TABLE_NAME;
END
$$;


ALTER FUNCTION topup.refuse_change() OWNER TO topup_owner;

--
-- Name: register_user(text, text); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.register_user(p_username text, p_password_hash text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_user_id bigint;
BEGIN
    INSERT INTO topup.users (username, password_hash)
    VALUES (p_username, p_password_hash)
    ON CONFLICT (username) DO NOTHING
    RETURNING user_id INTO v_user_id;

    IF v_user_id IS NOT NULL THEN
        INSERT INTO topup.wallets (user_id) VALUES (v_user_id);
        RETURN v_user_id;
    END IF;

    SELECT u.user_id INTO v_user_id
    FROM topup.users AS u
    WHERE u.username = p_username AND u.password_hash = p_password_hash;

    IF NOT FOUND THEN
        RAISE EXCEPTION 'username taken' USING ERRCODE = 'TU003', DETAIL = p_username;
    END IF;
    RETURN v_user_id;
END;
$$;


ALTER FUNCTION topup.register_user(p_username text, p_password_hash text) OWNER TO topup_owner;

--
-- Name: release_link(text, uuid); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.release_link(p_tx_ref text, p_request_id uuid) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    DELETE FROM topup.link_claims AS c
    WHERE c.tx_ref = p_tx_ref AND c.request_id = p_request_id
$$;


ALTER FUNCTION topup.release_link(p_tx_ref text, p_request_id uuid) OWNER TO topup_owner;

--
-- Name: renumber_topup(text, bigint); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.renumber_topup(p_tx_ref text, p_taken_order_code bigint) RETURNS topup.topups
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_topup topup.topups;
BEGIN
    PERFORM topup.lock_topups(ARRAY[p_tx_ref]);
    v_topup := (SELECT t FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref);
    IF v_topup.tx_ref IS NULL THEN
        RAISE EXCEPTION 'there is no such top-up' USING ERRCODE = 'TU002', DETAIL = p_tx_ref;
    END IF;
    IF
        v_topup.order_code = p_taken_order_code
        AND v_topup.payment_link_id IS NULL
        AND v_topup.status = 'pending'
    THEN
        INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
        VALUES (
            topup.derived_event_id(
                concat_ws('/', 'topup.renumbered', p_tx_ref, p_taken_order_code)
            ),
            p_tx_ref, v_topup.seq + 1, 'topup.renumbered',
            jsonb_build_object('order_code', nextval('topup.order_codes')),
            clock_timestamp()
        );
        v_topup := (SELECT t FROM topup.topups AS t WHERE t.tx_ref = p_tx_ref);
    END IF;
    RETURN v_topup;
END
$$;


ALTER FUNCTION topup.renumber_topup(p_tx_ref text, p_taken_order_code bigint) OWNER TO topup_owner;

--
-- Name: revoke_session(bytea); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.revoke_session(p_session_hash bytea) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_worker_id integer;
BEGIN
    PERFORM topup.lock_streams(ARRAY[p_session_hash]);

    UPDATE topup.sessions SET revoked_at = clock_timestamp()
    WHERE session_hash = p_session_hash AND revoked_at IS NULL;

    FOR v_worker_id IN
        WITH ended AS (
            UPDATE topup.stream_leases AS l SET ended = 'login_ended'
            WHERE (l.worker_id, l.stream_id) IN (
                SELECT o.worker_id, o.stream_id FROM topup.stream_leases AS o
                WHERE o.session_hash = p_session_hash AND o.ended IS NULL
                ORDER BY o.worker_id, o.stream_id
                FOR UPDATE
            )
            RETURNING l.worker_id
        )
        SELECT DISTINCT e.worker_id FROM ended AS e
    LOOP
        PERFORM topup.notify_if_room('worker:' || v_worker_id, '');
    END LOOP;
END;
$$;


ALTER FUNCTION topup.revoke_session(p_session_hash bytea) OWNER TO topup_owner;

--
-- Name: schedule_check(text, boolean); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.schedule_check(p_tx_ref text, p_doubtful boolean) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    INSERT INTO topup.payos_checks AS c (tx_ref, next_at, doubtful)
    SELECT
        t.tx_ref,
        coalesce(
            CASE WHEN NOT p_doubtful
                THEN topup.next_check(t, clock_timestamp(), topup.check_schedule())
            END,
            clock_timestamp()
        ),
        p_doubtful
    FROM topup.topups AS t
    WHERE t.tx_ref = p_tx_ref AND t.order_code IS NOT NULL
    ON CONFLICT (tx_ref) DO UPDATE SET
        next_at = least(c.next_at, excluded.next_at),
        doubtful = c.doubtful OR excluded.doubtful
$$;


ALTER FUNCTION topup.schedule_check(p_tx_ref text, p_doubtful boolean) OWNER TO topup_owner;

--
-- Name: sessions; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.sessions (
    session_hash bytea NOT NULL,
    user_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    CONSTRAINT sessions_session_hash_check CHECK ((octet_length(session_hash) = 32))
);


ALTER TABLE topup.sessions OWNER TO topup_owner;

--
-- Name: TABLE sessions; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.sessions IS 'Logins that the server can end.';


--
-- Name: COLUMN sessions.session_hash; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.sessions.session_hash IS 'SHA-256 of the random id in the cookie.';


--
-- Name: COLUMN sessions.user_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.sessions.user_id IS 'Who is logged in.';


--
-- Name: COLUMN sessions.created_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.sessions.created_at IS 'Login.';


--
-- Name: COLUMN sessions.last_seen_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.sessions.last_seen_at IS 'Last request, to the minute: idle expiry counts from here.';


--
-- Name: COLUMN sessions.expires_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.sessions.expires_at IS 'Absolute expiry, however busy the session is.';


--
-- Name: COLUMN sessions.revoked_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.sessions.revoked_at IS 'Logout, or revocation by the operator.';


--
-- Name: session_is_open(topup.sessions, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.session_is_open(p_session topup.sessions, p_idle_seconds double precision) RETURNS boolean
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT
        p_session.revoked_at IS NULL
        AND p_session.expires_at > clock_timestamp()
        AND p_session.last_seen_at > clock_timestamp() - make_interval(secs => p_idle_seconds)
$$;


ALTER FUNCTION topup.session_is_open(p_session topup.sessions, p_idle_seconds double precision) OWNER TO topup_owner;

--
-- Name: state_in_batch(topup.topups, topup.fact[]); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.state_in_batch(p_state topup.topups, p_facts topup.fact[]) RETURNS topup.topups
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_state topup.topups := p_state;
    v_event topup.events;
BEGIN
    FOR v_event IN
        SELECT
            NULL::bigint, f.event_id, f.tx_ref, f.ordinal::bigint, f.type, f.data,
            f.occurred_at, f.occurred_at
        FROM unnest(p_facts) AS f
        WHERE
            f.tx_ref = p_state.tx_ref
            AND NOT EXISTS (SELECT FROM topup.events AS e WHERE e.event_id = f.event_id)
        ORDER BY f.ordinal
    LOOP
        v_state := topup.next_state(v_state, v_event);
    END LOOP;
    RETURN v_state;
END
$$;


ALTER FUNCTION topup.state_in_batch(p_state topup.topups, p_facts topup.fact[]) OWNER TO topup_owner;

--
-- Name: touch_session(bytea, double precision); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.touch_session(p_session_hash bytea, p_idle_seconds double precision) RETURNS TABLE(user_id bigint, username text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    v_now constant timestamptz := clock_timestamp();
    v_last_seen_at timestamptz;
BEGIN
    SELECT u.user_id, u.username, s.last_seen_at
    INTO user_id, username, v_last_seen_at
    FROM topup.sessions AS s
    JOIN topup.users AS u ON u.user_id = s.user_id
    WHERE s.session_hash = p_session_hash AND topup.session_is_open(s, p_idle_seconds);

    IF NOT FOUND THEN
        RETURN;
    END IF;

    -- Half the idle time where that is shorter: a busy session must not look idle.
    IF v_last_seen_at < v_now - make_interval(secs => least(60, p_idle_seconds / 2)) THEN
        UPDATE topup.sessions AS s SET last_seen_at = v_now
        WHERE s.session_hash = p_session_hash AND s.last_seen_at < v_now;
    END IF;
    RETURN NEXT;
END;
$$;


ALTER FUNCTION topup.touch_session(p_session_hash bytea, p_idle_seconds double precision) OWNER TO topup_owner;

--
-- Name: waiting_transfer(uuid); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.waiting_transfer(p_event_id uuid) RETURNS topup.events
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT e FROM topup.events AS e
    WHERE
        e.event_id = p_event_id
        AND (
            e.type = 'payment.received' AND e.tx_ref IS NULL
            OR e.type = 'payment.conflict' AND coalesce(e.data ->> 'code', '00') = '00'
        )
$$;


ALTER FUNCTION topup.waiting_transfer(p_event_id uuid) OWNER TO topup_owner;

--
-- Name: worker_is_alive(integer); Type: FUNCTION; Schema: topup; Owner: topup_owner
--

CREATE FUNCTION topup.worker_is_alive(p_worker_id integer) RETURNS boolean
    LANGUAGE sql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
    SELECT EXISTS (
        SELECT FROM pg_locks AS l
        WHERE
            l.locktype = 'advisory'
            AND l.classid = 7281 AND l.objid = p_worker_id::oid AND l.objsubid = 2
            AND l.granted
            AND l.database = (
                SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database()
            )
    )
$$;


ALTER FUNCTION topup.worker_is_alive(p_worker_id integer) OWNER TO topup_owner;

--
-- Name: fold(topup.events); Type: AGGREGATE; Schema: topup; Owner: topup_owner
--

CREATE AGGREGATE topup.fold(topup.events) (
    SFUNC = topup.next_state,
    STYPE = topup.topups
);


ALTER AGGREGATE topup.fold(topup.events) OWNER TO topup_owner;

--
-- Name: conflicts; Type: VIEW; Schema: audit; Owner: topup_owner
--

CREATE VIEW audit.conflicts AS
 SELECT c.event_id,
    c.tx_ref,
    c.recorded_at,
    r.event_id AS recorded_event_id,
    r.tx_ref AS recorded_tx_ref,
    (c.data ->> 'reference'::text) AS reference,
    ((c.data ->> 'amount'::text))::bigint AS amount,
    ((c.data ->> 'order_code'::text))::bigint AS order_code,
    ((r.data ->> 'amount'::text))::bigint AS recorded_amount,
        CASE
            WHEN (c.data ? 'held_event_id'::text) THEN 'reference.differs'::text
            WHEN ((c.data ->> 'order_code'::text) <> (r.data ->> 'order_code'::text)) THEN 'order_code.differs'::text
            ELSE 'amount.differs'::text
        END AS why,
        CASE
            WHEN ((c.data ->> 'code'::text) <> '00'::text) THEN 'no_money'::text
            WHEN (a.event_id IS NOT NULL) THEN 'accepted'::text
            WHEN (h.event_id IS NOT NULL) THEN 'recorded'::text
            ELSE 'open'::text
        END AS state,
    ((c.data ->> 'transaction_at'::text))::timestamp with time zone AS transaction_at,
    (clock_timestamp() - c.recorded_at) AS age
   FROM (((topup.events c
     LEFT JOIN topup.events r ON ((r.event_id = ((c.data ->> 'conflicts_with'::text))::uuid)))
     LEFT JOIN topup.events h ON ((h.event_id = ((c.data ->> 'held_event_id'::text))::uuid)))
     LEFT JOIN topup.events a ON (((a.type = 'suspense.assigned'::text) AND (((a.data ->> 'conflict_event_id'::text))::uuid = c.event_id))))
  WHERE (c.type = 'payment.conflict'::text);


ALTER TABLE audit.conflicts OWNER TO topup_owner;

--
-- Name: VIEW conflicts; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON VIEW audit.conflicts IS 'Transfers that were not credited because another one is on record. Without payer data.';


--
-- Name: COLUMN conflicts.event_id; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.event_id IS 'Names the conflict; what is assigned.';


--
-- Name: COLUMN conflicts.tx_ref; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.tx_ref IS 'The top-up that it would belong to, if any.';


--
-- Name: COLUMN conflicts.recorded_at; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.recorded_at IS 'When the conflict was recorded.';


--
-- Name: COLUMN conflicts.recorded_event_id; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.recorded_event_id IS 'The transfer that is on record.';


--
-- Name: COLUMN conflicts.recorded_tx_ref; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.recorded_tx_ref IS 'The top-up of that one; null in suspense.';


--
-- Name: COLUMN conflicts.reference; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.reference IS 'Of the transfer, by the bank.';


--
-- Name: COLUMN conflicts.amount; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.amount IS 'In đồng, not credited.';


--
-- Name: COLUMN conflicts.order_code; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.order_code IS 'The order that PayOS names.';


--
-- Name: COLUMN conflicts.recorded_amount; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.recorded_amount IS 'The amount of that one, in đồng.';


--
-- Name: COLUMN conflicts.why; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.why IS 'reference.differs: held, because the same amount came in the same minute under another
reference. order_code.differs, amount.differs: the same transfer told in another way.';


--
-- Name: COLUMN conflicts.state; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.state IS 'open; accepted by a person; recorded under its own event id meanwhile; no_money: it failed.';


--
-- Name: COLUMN conflicts.transaction_at; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.transaction_at IS 'When the bank moved it; null if not told.';


--
-- Name: COLUMN conflicts.age; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.conflicts.age IS 'Since recorded_at.';


--
-- Name: ledger_entries; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.ledger_entries (
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    account text NOT NULL,
    user_id bigint,
    amount bigint NOT NULL,
    balance_after bigint,
    recorded_at timestamp with time zone NOT NULL,
    CONSTRAINT ledger_entries_account_name CHECK (((account = COALESCE(('wallet:'::text || (user_id)::text), account)) AND ((user_id IS NOT NULL) OR (account = ANY (ARRAY['payos:clearing'::text, 'suspense'::text]))))),
    CONSTRAINT ledger_entries_amount_check CHECK ((amount <> 0)),
    CONSTRAINT ledger_entries_balance_after_check CHECK ((balance_after >= 0)),
    CONSTRAINT ledger_entries_balance_of_wallets CHECK (((user_id IS NULL) = (balance_after IS NULL)))
);


ALTER TABLE topup.ledger_entries OWNER TO topup_owner;

--
-- Name: TABLE ledger_entries; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.ledger_entries IS 'Double entry: the entries of one event sum to zero. Rows are added and never changed.';


--
-- Name: COLUMN ledger_entries.id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.ledger_entries.id IS 'Identity; within a wallet, the order of its entries.';


--
-- Name: COLUMN ledger_entries.event_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.ledger_entries.event_id IS 'The event that moved the money.';


--
-- Name: COLUMN ledger_entries.account; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.ledger_entries.account IS 'wallet:<user_id>, payos:clearing or suspense.';


--
-- Name: COLUMN ledger_entries.user_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.ledger_entries.user_id IS 'Whose wallet; null for system accounts.';


--
-- Name: COLUMN ledger_entries.amount; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.ledger_entries.amount IS 'In đồng; positive into the account.';


--
-- Name: COLUMN ledger_entries.balance_after; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.ledger_entries.balance_after IS 'Of the wallet, in đồng. System accounts store none: one hot row would slow every payment.';


--
-- Name: COLUMN ledger_entries.recorded_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.ledger_entries.recorded_at IS 'That of the event.';


--
-- Name: wallets; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.wallets (
    user_id bigint NOT NULL,
    balance bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT wallets_balance_check CHECK ((balance >= 0))
)
WITH (fillfactor='80');


ALTER TABLE topup.wallets OWNER TO topup_owner;

--
-- Name: TABLE wallets; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.wallets IS 'Balance of each user: the sum of the ledger entries of the wallet.';


--
-- Name: COLUMN wallets.user_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.wallets.user_id IS 'Whose wallet.';


--
-- Name: COLUMN wallets.balance; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.wallets.balance IS 'In đồng.';


--
-- Name: COLUMN wallets.version; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.wallets.version IS 'Number of ledger entries of the wallet.';


--
-- Name: money_equation; Type: VIEW; Schema: audit; Owner: topup_owner
--

CREATE VIEW audit.money_equation AS
 SELECT m.received,
    m.in_wallets,
    m.in_suspense,
    ((m.received - m.in_wallets) - m.in_suspense) AS difference
   FROM ( SELECT ( SELECT COALESCE(sum(((e.data ->> 'amount'::text))::bigint), (0)::numeric) AS "coalesce"
                   FROM topup.events e
                  WHERE ((e.type = 'payment.received'::text) OR ((e.type = 'suspense.assigned'::text) AND (e.data ? 'conflict_event_id'::text)))) AS received,
            ( SELECT COALESCE(sum(w.balance), (0)::numeric) AS "coalesce"
                   FROM topup.wallets w) AS in_wallets,
            ( SELECT COALESCE(sum(l.amount), (0)::numeric) AS "coalesce"
                   FROM topup.ledger_entries l
                  WHERE (l.account = 'suspense'::text)) AS in_suspense) m;


ALTER TABLE audit.money_equation OWNER TO topup_owner;

--
-- Name: VIEW money_equation; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON VIEW audit.money_equation IS 'received = in_wallets + in_suspense, in đồng.';


--
-- Name: suspense; Type: VIEW; Schema: audit; Owner: topup_owner
--

CREATE VIEW audit.suspense AS
 SELECT e.event_id,
    e.recorded_at,
    (e.data ->> 'reference'::text) AS reference,
    ((e.data ->> 'amount'::text))::bigint AS amount,
    ((e.data ->> 'order_code'::text))::bigint AS order_code,
    (e.data ->> 'payment_link_id'::text) AS payment_link_id,
    (e.data ->> 'unmatched'::text) AS why,
    ((e.data ->> 'transaction_at'::text))::timestamp with time zone AS transaction_at,
    (clock_timestamp() - e.recorded_at) AS age,
    ( SELECT COALESCE(array_agg(n.tx_ref ORDER BY n.tx_ref), '{}'::text[]) AS "coalesce"
           FROM ( SELECT t.tx_ref
                   FROM topup.topups t
                  WHERE (t.tx_ref IN ( SELECT jsonb_array_elements_text((e.data -> 'description_tx_refs'::text)) AS jsonb_array_elements_text))
                UNION
                 SELECT t.tx_ref
                   FROM topup.topups t
                  WHERE (t.order_code = ((e.data ->> 'order_code'::text))::bigint)) n) AS candidates
   FROM topup.events e
  WHERE ((e.type = 'payment.received'::text) AND (e.tx_ref IS NULL) AND (NOT (EXISTS ( SELECT
           FROM topup.events a
          WHERE ((a.type = 'suspense.assigned'::text) AND (((a.data ->> 'suspense_event_id'::text))::uuid = e.event_id))))));


ALTER TABLE audit.suspense OWNER TO topup_owner;

--
-- Name: VIEW suspense; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON VIEW audit.suspense IS 'Money in suspense, without payer data. python -m app suspense assign gives it to a wallet.';


--
-- Name: COLUMN suspense.event_id; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.event_id IS 'Names the transfer; what is assigned.';


--
-- Name: COLUMN suspense.recorded_at; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.recorded_at IS 'When it was recorded.';


--
-- Name: COLUMN suspense.reference; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.reference IS 'Of the transfer, by the bank.';


--
-- Name: COLUMN suspense.amount; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.amount IS 'In đồng.';


--
-- Name: COLUMN suspense.order_code; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.order_code IS 'The order that PayOS names.';


--
-- Name: COLUMN suspense.payment_link_id; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.payment_link_id IS 'The link that was paid through.';


--
-- Name: COLUMN suspense.why; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.why IS 'Why no top-up was found: docs/events.md.';


--
-- Name: COLUMN suspense.transaction_at; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.transaction_at IS 'When the bank moved it; null if not told.';


--
-- Name: COLUMN suspense.age; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.age IS 'Since recorded_at.';


--
-- Name: COLUMN suspense.candidates; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense.candidates IS 'The top-ups that the description of the transfer or its order code names.';


--
-- Name: payos_bodies; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.payos_bodies (
    body_sha256 bytea NOT NULL,
    raw bytea NOT NULL,
    fault text,
    received_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT payos_bodies_body_sha256_check CHECK ((octet_length(body_sha256) = 32))
);


ALTER TABLE topup.payos_bodies OWNER TO topup_owner;

--
-- Name: TABLE payos_bodies; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.payos_bodies IS 'Every validly signed webhook as it came: holds payer data, so it has its own retention.';


--
-- Name: COLUMN payos_bodies.body_sha256; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_bodies.body_sha256 IS 'SHA-256 of raw; events name it in their data.';


--
-- Name: COLUMN payos_bodies.raw; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_bodies.raw IS 'The bytes that were signed and sent.';


--
-- Name: COLUMN payos_bodies.fault; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_bodies.fault IS 'Why no event came of it; null when one did.';


--
-- Name: COLUMN payos_bodies.received_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_bodies.received_at IS 'First delivery.';


--
-- Name: unread_bodies; Type: VIEW; Schema: audit; Owner: topup_owner
--

CREATE VIEW audit.unread_bodies AS
 SELECT b.fault,
    b.received_at,
    encode(b.body_sha256, 'hex'::text) AS body_sha256
   FROM topup.payos_bodies b
  WHERE (b.fault IS NOT NULL);


ALTER TABLE audit.unread_bodies OWNER TO topup_owner;

--
-- Name: VIEW unread_bodies; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON VIEW audit.unread_bodies IS 'What PayOS signed and napvi did not understand. The owner reads the body itself, which holds
payer data, in topup.payos_bodies.';


--
-- Name: COLUMN unread_bodies.fault; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.unread_bodies.fault IS 'Why no event came of it.';


--
-- Name: COLUMN unread_bodies.received_at; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.unread_bodies.received_at IS 'First delivery.';


--
-- Name: COLUMN unread_bodies.body_sha256; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.unread_bodies.body_sha256 IS 'SHA-256 of the body, in hex.';


--
-- Name: review_counts; Type: VIEW; Schema: audit; Owner: topup_owner
--

CREATE VIEW audit.review_counts AS
 SELECT s.suspense_transfers,
    s.suspense_vnd,
    ( SELECT count(*) AS count
           FROM audit.conflicts c
          WHERE (c.state = 'open'::text)) AS conflicts_open,
    ( SELECT count(*) AS count
           FROM audit.unread_bodies) AS bodies_unread
   FROM ( SELECT count(*) AS suspense_transfers,
            (COALESCE(sum(t.amount), (0)::numeric))::bigint AS suspense_vnd
           FROM audit.suspense t) s;


ALTER TABLE audit.review_counts OWNER TO topup_owner;

--
-- Name: VIEW review_counts; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON VIEW audit.review_counts IS 'How much waits for a person; /metrics says the same.';


--
-- Name: COLUMN review_counts.suspense_transfers; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.review_counts.suspense_transfers IS 'Transfers in suspense.';


--
-- Name: COLUMN review_counts.suspense_vnd; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.review_counts.suspense_vnd IS 'Their sum, in đồng.';


--
-- Name: COLUMN review_counts.conflicts_open; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.review_counts.conflicts_open IS 'Conflicts that nobody has accepted.';


--
-- Name: COLUMN review_counts.bodies_unread; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.review_counts.bodies_unread IS 'Signed webhooks that no event came of.';


--
-- Name: suspense_history; Type: VIEW; Schema: audit; Owner: topup_owner
--

CREATE VIEW audit.suspense_history AS
 SELECT a.event_id AS assignment_event_id,
    a.tx_ref,
    a.recorded_at AS assigned_at,
    w.event_id,
    w.type,
    (w.data ->> 'reference'::text) AS reference,
    ((a.data ->> 'amount'::text))::bigint AS amount,
    (a.data ->> 'reason'::text) AS reason,
    (a.data ->> 'assigned_by'::text) AS assigned_by
   FROM (topup.events a
     LEFT JOIN topup.events w ON ((w.event_id = (COALESCE((a.data ->> 'suspense_event_id'::text), (a.data ->> 'conflict_event_id'::text)))::uuid)))
  WHERE (a.type = 'suspense.assigned'::text);


ALTER TABLE audit.suspense_history OWNER TO topup_owner;

--
-- Name: VIEW suspense_history; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON VIEW audit.suspense_history IS 'Who gave which money to which top-up, and why.';


--
-- Name: COLUMN suspense_history.assignment_event_id; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.assignment_event_id IS 'The event suspense.assigned.';


--
-- Name: COLUMN suspense_history.tx_ref; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.tx_ref IS 'The top-up that it was assigned to.';


--
-- Name: COLUMN suspense_history.assigned_at; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.assigned_at IS 'When it was recorded.';


--
-- Name: COLUMN suspense_history.event_id; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.event_id IS 'The transfer that waited.';


--
-- Name: COLUMN suspense_history.type; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.type IS 'payment.received: it was in suspense. payment.conflict: it was accepted.';


--
-- Name: COLUMN suspense_history.reference; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.reference IS 'Of the transfer, by the bank.';


--
-- Name: COLUMN suspense_history.amount; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.amount IS 'In đồng.';


--
-- Name: COLUMN suspense_history.reason; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.reason IS 'Given by the person.';


--
-- Name: COLUMN suspense_history.assigned_by; Type: COMMENT; Schema: audit; Owner: topup_owner
--

COMMENT ON COLUMN audit.suspense_history.assigned_by IS 'Given by the person; null before napvi asked for it.';


--
-- Name: events_id_seq; Type: SEQUENCE; Schema: topup; Owner: topup_owner
--

ALTER TABLE topup.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME topup.events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: ledger_entries_id_seq; Type: SEQUENCE; Schema: topup; Owner: topup_owner
--

ALTER TABLE topup.ledger_entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME topup.ledger_entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: link_claims; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE UNLOGGED TABLE topup.link_claims (
    tx_ref text NOT NULL,
    request_id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL
);


ALTER TABLE topup.link_claims OWNER TO topup_owner;

--
-- Name: TABLE link_claims; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.link_claims IS 'Which request is getting the payment link of a top-up. A process that died leaves its row.';


--
-- Name: COLUMN link_claims.tx_ref; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.link_claims.tx_ref IS 'The top-up, opened under an idempotency key.';


--
-- Name: COLUMN link_claims.request_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.link_claims.request_id IS 'Drawn at random; the claim is of no other.';


--
-- Name: COLUMN link_claims.expires_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.link_claims.expires_at IS 'From then on another request may take it: by now PayOS has answered, or the asker is gone.';


--
-- Name: order_codes; Type: SEQUENCE; Schema: topup; Owner: topup_owner
--

CREATE SEQUENCE topup.order_codes
    START WITH 1000
    INCREMENT BY 1
    MINVALUE 1000
    MAXVALUE 9007199254740991
    CACHE 1;


ALTER TABLE topup.order_codes OWNER TO topup_owner;

--
-- Name: SEQUENCE order_codes; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON SEQUENCE topup.order_codes IS 'Order numbers given to PayOS. Never 123 (its ping), never above 2^53-1.';


--
-- Name: payos_checks; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.payos_checks (
    tx_ref text NOT NULL,
    next_at timestamp with time zone NOT NULL,
    asked integer DEFAULT 0 NOT NULL,
    claimed_until timestamp with time zone,
    nudged_at timestamp with time zone,
    doubtful boolean DEFAULT false NOT NULL
)
WITH (fillfactor='80');


ALTER TABLE topup.payos_checks OWNER TO topup_owner;

--
-- Name: TABLE payos_checks; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.payos_checks IS 'Top-ups about which PayOS will be asked. A row goes when there is nothing left to ask.';


--
-- Name: COLUMN payos_checks.tx_ref; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_checks.tx_ref IS 'The top-up.';


--
-- Name: COLUMN payos_checks.next_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_checks.next_at IS 'When to ask; while a process asks, when another one may.';


--
-- Name: COLUMN payos_checks.asked; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_checks.asked IS 'How often PayOS has been asked, or tried.';


--
-- Name: COLUMN payos_checks.claimed_until; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_checks.claimed_until IS 'A process is asking; it is believed dead after this. Null when none is.';


--
-- Name: COLUMN payos_checks.nudged_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_checks.nudged_at IS 'When a payer last made it earlier by coming.';


--
-- Name: COLUMN payos_checks.doubtful; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.payos_checks.doubtful IS 'A transfer is held for review: ask although the top-up is confirmed.';


--
-- Name: schema_files; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.schema_files (
    path text NOT NULL,
    sha256 bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT schema_files_sha256_check CHECK ((octet_length(sha256) = 32))
);


ALTER TABLE topup.schema_files OWNER TO topup_owner;

--
-- Name: TABLE schema_files; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.schema_files IS 'The files below sql/ that this database was made from.';


--
-- Name: COLUMN schema_files.path; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.schema_files.path IS 'Relative to sql/.';


--
-- Name: COLUMN schema_files.sha256; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.schema_files.sha256 IS 'SHA-256 of the file as it was applied last.';


--
-- Name: COLUMN schema_files.applied_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.schema_files.applied_at IS 'When that was.';


--
-- Name: stream_leases; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE UNLOGGED TABLE topup.stream_leases (
    worker_id integer NOT NULL,
    stream_id bigint NOT NULL,
    user_id bigint NOT NULL,
    session_hash bytea NOT NULL,
    tx_ref text NOT NULL,
    opened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ended text,
    CONSTRAINT stream_leases_ended_check CHECK ((ended = ANY (ARRAY['superseded'::text, 'login_ended'::text])))
);


ALTER TABLE topup.stream_leases OWNER TO topup_owner;

--
-- Name: TABLE stream_leases; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.stream_leases IS 'Open streams. A row counts while its worker lives: while it holds its advisory lock.';


--
-- Name: COLUMN stream_leases.worker_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.stream_leases.worker_id IS 'Drawn at random by each process; see topup.worker_is_alive.';


--
-- Name: COLUMN stream_leases.stream_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.stream_leases.stream_id IS 'Numbered by the worker.';


--
-- Name: COLUMN stream_leases.user_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.stream_leases.user_id IS 'Whose limit it counts for.';


--
-- Name: COLUMN stream_leases.session_hash; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.stream_leases.session_hash IS 'The login it ends with.';


--
-- Name: COLUMN stream_leases.tx_ref; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.stream_leases.tx_ref IS 'What is streamed.';


--
-- Name: COLUMN stream_leases.opened_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.stream_leases.opened_at IS 'The oldest of a user make room.';


--
-- Name: COLUMN stream_leases.ended; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.stream_leases.ended IS 'Why the worker has to end the stream; it deletes the row when it does.';


--
-- Name: users; Type: TABLE; Schema: topup; Owner: topup_owner
--

CREATE TABLE topup.users (
    user_id bigint NOT NULL,
    username text NOT NULL,
    password_hash text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT users_username_check CHECK ((username ~ '^[a-z0-9][a-z0-9._@+-]{2,63}$'::text))
);


ALTER TABLE topup.users OWNER TO topup_owner;

--
-- Name: TABLE users; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON TABLE topup.users IS 'Accounts.';


--
-- Name: COLUMN users.user_id; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.users.user_id IS 'Names the account in every other table.';


--
-- Name: COLUMN users.username; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.users.username IS 'What a person logs in with, lower case.';


--
-- Name: COLUMN users.password_hash; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.users.password_hash IS 'argon2id, with its parameters.';


--
-- Name: COLUMN users.created_at; Type: COMMENT; Schema: topup; Owner: topup_owner
--

COMMENT ON COLUMN topup.users.created_at IS 'Registration.';


--
-- Name: users_user_id_seq; Type: SEQUENCE; Schema: topup; Owner: topup_owner
--

ALTER TABLE topup.users ALTER COLUMN user_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME topup.users_user_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Data for Name: events; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.events OVERRIDING SYSTEM VALUE VALUES
	(1, 'd0da874d-3ed7-41ce-ba35-e9601b1d6bd8', 'TNG3M0HWB', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533619, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.862467+00', '2026-11-24 21:12:09.862467+00'),
	(2, 'edb02111-7edc-4775-9ac5-5b2240001e30', 'T4FXR43EF', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533620, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.869144+00', '2026-11-24 21:12:09.869144+00'),
	(3, '42e765b8-370c-4264-a788-3e17ca4fdc15', 'TKNQ9735F', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533621, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.874412+00', '2026-11-24 21:12:09.874412+00'),
	(4, '54ec0450-3aee-4acd-b4b6-1b3974de3e60', 'TGKXBYP7F', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533622, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.876785+00', '2026-11-24 21:12:09.876785+00'),
	(5, '834f53bf-c166-4cf5-9fe8-82791cee8c18', 'TQAX88DXK', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533623, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.879425+00', '2026-11-24 21:12:09.879425+00'),
	(6, '6d183683-3cf0-4e13-9e8e-c534b9c4f85b', 'TAAXV0767', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533624, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.881834+00', '2026-11-24 21:12:09.881834+00'),
	(7, '6e7a826e-1ab1-4bb4-9a5e-f3af880f7e17', 'T6M0816W6', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533625, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.883964+00', '2026-11-24 21:12:09.883964+00'),
	(8, '4c60a3c9-6597-a27a-dcb6-bc972906a17f', 'TNG3M0HWB', 2, 'topup.renumbered', '{"order_code": 586914533626}', '2026-11-24 21:12:09.886941+00', '2026-11-24 21:12:09.886941+00'),
	(9, '306cc609-5684-4ddf-99e5-1d11016a810c', 'T4FXR43EF', 2, 'topup.linked', '{"qr_code": "0002010102", "bank_bin": "970422", "account_name": "NAPVI", "checkout_url": "https://pay.example/000000000000000000000088a6d510f4", "account_number": "1234567890", "payment_link_id": "000000000000000000000088a6d510f4", "transfer_message": "CS1234567 T4FXR43EF"}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899385+00'),
	(10, '085f34c3-11f8-4e0b-9a1c-614da4069544', 'TKNQ9735F', 2, 'topup.linked', '{"qr_code": "0002010102", "bank_bin": "970422", "account_name": "NAPVI", "checkout_url": "https://pay.example/000000000000000000000088a6d510f5", "account_number": "1234567890", "payment_link_id": "000000000000000000000088a6d510f5", "transfer_message": "CS1234567 TKNQ9735F"}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899477+00'),
	(11, '72bd4f3c-938f-42c5-9114-948edec4f8b7', 'T6M0816W6', 2, 'topup.linked', '{"qr_code": "0002010102", "bank_bin": "970422", "account_name": "NAPVI", "checkout_url": "https://pay.example/000000000000000000000088a6d510f9", "account_number": "1234567890", "payment_link_id": "000000000000000000000088a6d510f9", "transfer_message": "CS1234567 T6M0816W6"}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899481+00'),
	(12, '88442878-ca70-5432-acef-9f0c44dca477', 'T4FXR43EF', 3, 'payment.received', '{"amount": 20000, "reference": "FT0", "matched_by": "order_code", "order_code": 586914533620, "transaction_at": "2026-01-02T10:11:12+07:00", "payment_link_id": "000000000000000000000088a6d510f4", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899488+00'),
	(13, 'b9571e2a-636c-558d-9c20-e8035633b89e', 'TKNQ9735F', 3, 'payment.received', '{"amount": 50000, "reference": "FT1", "matched_by": "order_code", "order_code": 586914533621, "transaction_at": "2026-01-02T10:11:12+07:00", "payment_link_id": "000000000000000000000088a6d510f5", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899493+00'),
	(14, 'd4dc2822-e899-5c6c-a48c-575cee5cb686', 'TKNQ9735F', 4, 'payment.received', '{"amount": 5000, "reference": "FT2", "matched_by": "order_code", "order_code": 586914533621, "transaction_at": "2026-01-02T10:11:12+07:00", "payment_link_id": "000000000000000000000088a6d510f5", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899496+00'),
	(15, '4f6bc163-20da-4e54-a56c-886feddfe19d', 'TGKXBYP7F', 2, 'payment.failed', '{"code": "01", "amount": 50000, "matched_by": "order_code", "order_code": 586914533622, "payment_link_id": "000000000000000000000088a6d510f6"}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899499+00'),
	(16, 'c3adb82c-15bb-407f-9c43-0b85868cf721', 'TQAX88DXK', 2, 'topup.cancelled', '{}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899502+00'),
	(17, '9d43c92d-93f4-4ae0-895e-d422f4d51acc', 'TAAXV0767', 2, 'topup.expired', '{}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899505+00'),
	(18, '66551157-82c9-48f7-bd40-85cf9b48b513', 'T6M0816W6', 3, 'topup.expired', '{}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.899508+00'),
	(19, '6e4c210e-0ca4-5764-ad53-14f9eb2a55af', 'T6M0816W6', 4, 'payment.received', '{"amount": 50000, "reference": "FT3", "matched_by": "order_code", "order_code": 586914533625, "transaction_at": "2026-01-02T10:11:12+07:00", "payment_link_id": "000000000000000000000088a6d510f9", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.918022+00'),
	(20, '88a30597-a344-4abe-8c9c-37d1279bf42f', 'TM2CGZ5PR', 1, 'topup.opened', '{"amount": 50000, "user_id": 2, "order_code": 586914533627, "expiry_seconds": 900, "idempotency_key": null, "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.922933+00', '2026-11-24 21:12:09.922933+00'),
	(21, '08375e59-0e31-4a1b-982e-8665d6e368be', 'TM2CGZ5PR', 2, 'topup.linked', '{"qr_code": "0002010102", "bank_bin": "970422", "account_name": "NAPVI", "checkout_url": "https://pay.example/000000000000000000000088a6d510fb", "account_number": "1234567890", "payment_link_id": "000000000000000000000088a6d510fb", "transfer_message": "CS1234567 TM2CGZ5PR"}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.925943+00'),
	(22, '33363ffd-fdc7-55ac-9ce8-30934a03ac06', 'TM2CGZ5PR', 3, 'payment.received', '{"amount": 50000, "reference": "FT4", "matched_by": "order_code", "order_code": 586914533627, "transaction_at": "2026-01-02T10:11:12+07:00", "payment_link_id": "000000000000000000000088a6d510fb", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.926003+00'),
	(23, '84cced98-74df-ccd5-9d11-e7f626c0bc81', 'TM2CGZ5PR', 4, 'payment.conflict', '{"amount": 70000, "reference": "FT4", "matched_by": "order_code", "order_code": 586914533627, "conflicts_with": "33363ffd-fdc7-55ac-9ce8-30934a03ac06", "transaction_at": "2026-01-02T10:11:12+07:00", "payment_link_id": "000000000000000000000088a6d510fb", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.929335+00'),
	(24, 'ba322987-3670-4552-550e-7e953f42f076', 'TM2CGZ5PR', 5, 'payment.conflict', '{"amount": 50000, "listed": ["of no webhook"], "source": "payos.get", "reference": "FT5", "matched_by": "order_code", "order_code": 586914533627, "held_event_id": "55a65172-e0c0-52c3-829a-de85ab8f4a4d", "conflicts_with": "33363ffd-fdc7-55ac-9ce8-30934a03ac06", "transaction_at": "2026-01-02T10:11:12+07:00", "payment_link_id": "000000000000000000000088a6d510fb", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.932362+00'),
	(25, '026728ad-4c21-5d0d-9c09-5908157b084a', NULL, NULL, 'payment.received', '{"amount": 30000, "reference": "FT6", "unmatched": "order_code.unknown", "order_code": 999, "payment_link_id": "11111111111111111111111111111111", "description_tx_refs": ["TM2CGZ5PR"]}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.935529+00'),
	(26, '78a3502d-b8f9-5301-9747-1507975d70ae', NULL, NULL, 'payment.received', '{"amount": 40000, "reference": "FT7", "unmatched": "order_code.unknown", "order_code": 999, "payment_link_id": "11111111111111111111111111111111", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.935589+00'),
	(27, 'f21ffbec-fd54-503a-bc81-639db5bb63c7', NULL, NULL, 'payment.received', '{"amount": 10000, "reference": "FT8", "unmatched": "payment_link_id.foreign", "order_code": 586914533627, "payment_link_id": "ffffffffffffffffffffffffffffffff", "description_tx_refs": []}', '2026-01-02 03:04:05+00', '2026-11-24 21:12:09.935701+00'),
	(28, '85072317-be0e-dec2-3669-fbd7f78cd9f9', 'TM2CGZ5PR', 6, 'suspense.assigned', '{"amount": 30000, "reason": "the payer called", "order_code": 999, "assigned_by": "An", "suspense_event_id": "026728ad-4c21-5d0d-9c09-5908157b084a"}', '2026-11-24 21:12:09.943842+00', '2026-11-24 21:12:09.943842+00'),
	(29, 'df859a4a-d78c-7310-7687-a539a06b1555', 'TM2CGZ5PR', 7, 'suspense.assigned', '{"amount": 70000, "reason": "the payer called", "order_code": 586914533627, "assigned_by": "An", "conflict_event_id": "84cced98-74df-ccd5-9d11-e7f626c0bc81"}', '2026-11-24 21:12:09.960369+00', '2026-11-24 21:12:09.960369+00'),
	(30, 'c340c834-44dd-4b82-ad36-99207183ea26', 'TK8G36QW3', 1, 'topup.opened', '{"amount": 50000, "user_id": 1, "order_code": 586914533628, "expiry_seconds": 900, "idempotency_key": "a key", "idempotency_fingerprint": "022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262"}', '2026-11-24 21:12:09.966395+00', '2026-11-24 21:12:09.966395+00');


--
-- Data for Name: ledger_entries; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.ledger_entries OVERRIDING SYSTEM VALUE VALUES
	(1, '88442878-ca70-5432-acef-9f0c44dca477', 'payos:clearing', NULL, -20000, NULL, '2026-11-24 21:12:09.899488+00'),
	(2, '88442878-ca70-5432-acef-9f0c44dca477', 'wallet:1', 1, 20000, 20000, '2026-11-24 21:12:09.899488+00'),
	(3, 'b9571e2a-636c-558d-9c20-e8035633b89e', 'payos:clearing', NULL, -50000, NULL, '2026-11-24 21:12:09.899493+00'),
	(4, 'b9571e2a-636c-558d-9c20-e8035633b89e', 'wallet:1', 1, 50000, 70000, '2026-11-24 21:12:09.899493+00'),
	(5, 'd4dc2822-e899-5c6c-a48c-575cee5cb686', 'payos:clearing', NULL, -5000, NULL, '2026-11-24 21:12:09.899496+00'),
	(6, 'd4dc2822-e899-5c6c-a48c-575cee5cb686', 'wallet:1', 1, 5000, 75000, '2026-11-24 21:12:09.899496+00'),
	(7, '6e4c210e-0ca4-5764-ad53-14f9eb2a55af', 'payos:clearing', NULL, -50000, NULL, '2026-11-24 21:12:09.918022+00'),
	(8, '6e4c210e-0ca4-5764-ad53-14f9eb2a55af', 'wallet:1', 1, 50000, 125000, '2026-11-24 21:12:09.918022+00'),
	(9, '33363ffd-fdc7-55ac-9ce8-30934a03ac06', 'payos:clearing', NULL, -50000, NULL, '2026-11-24 21:12:09.926003+00'),
	(10, '33363ffd-fdc7-55ac-9ce8-30934a03ac06', 'wallet:2', 2, 50000, 50000, '2026-11-24 21:12:09.926003+00'),
	(11, '026728ad-4c21-5d0d-9c09-5908157b084a', 'payos:clearing', NULL, -30000, NULL, '2026-11-24 21:12:09.935529+00'),
	(12, '026728ad-4c21-5d0d-9c09-5908157b084a', 'suspense', NULL, 30000, NULL, '2026-11-24 21:12:09.935529+00'),
	(13, '78a3502d-b8f9-5301-9747-1507975d70ae', 'payos:clearing', NULL, -40000, NULL, '2026-11-24 21:12:09.935589+00'),
	(14, '78a3502d-b8f9-5301-9747-1507975d70ae', 'suspense', NULL, 40000, NULL, '2026-11-24 21:12:09.935589+00'),
	(15, 'f21ffbec-fd54-503a-bc81-639db5bb63c7', 'payos:clearing', NULL, -10000, NULL, '2026-11-24 21:12:09.935701+00'),
	(16, 'f21ffbec-fd54-503a-bc81-639db5bb63c7', 'suspense', NULL, 10000, NULL, '2026-11-24 21:12:09.935701+00'),
	(17, '85072317-be0e-dec2-3669-fbd7f78cd9f9', 'suspense', NULL, -30000, NULL, '2026-11-24 21:12:09.943842+00'),
	(18, '85072317-be0e-dec2-3669-fbd7f78cd9f9', 'wallet:2', 2, 30000, 80000, '2026-11-24 21:12:09.943842+00'),
	(19, 'df859a4a-d78c-7310-7687-a539a06b1555', 'payos:clearing', NULL, -70000, NULL, '2026-11-24 21:12:09.960369+00'),
	(20, 'df859a4a-d78c-7310-7687-a539a06b1555', 'wallet:2', 2, 70000, 150000, '2026-11-24 21:12:09.960369+00');


--
-- Data for Name: link_claims; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.link_claims VALUES
	('TK8G36QW3', 'c340c834-44dd-4b82-ad36-99207183ea26', '2026-11-24 21:13:09.967947+00');


--
-- Data for Name: payos_bodies; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.payos_bodies VALUES
	('\x1ae34262b8dc482476d3a087c9b47cf44b694bf44c6b6206efa115e97e9de6dc', '\x74686520776562686f6f6b206f662038383434323837382d636137302d353433322d616365662d396630633434646361343737', NULL, '2026-11-24 21:12:09.898716+00'),
	('\xdc4359d634c6d961f3bc980be66bc8b0cb4f7b323b5ee717967a683a052c30ad', '\x74686520776562686f6f6b206f662062393537316532612d363336632d353538642d396332302d653830333536333362383965', NULL, '2026-11-24 21:12:09.898955+00'),
	('\xcb6431421640a057bbc8527d2d6e823c607a71957af2a981e25766d3709cb9d0', '\x74686520776562686f6f6b206f662064346463323832322d653839392d356336632d613438632d353735636565356362363836', NULL, '2026-11-24 21:12:09.898962+00'),
	('\x1c854d493750db8629eff37fcf6227a7387acb749c640399dfadb9b25e2b560e', '\x74686520776562686f6f6b206f662036653463323130652d306361342d353736342d616435332d313466396562326135356166', NULL, '2026-11-24 21:12:09.917381+00'),
	('\xec6892dbac9c343c63ae32257c87936341e04dce89d8bfc10f1e26ae73a724fa', '\x74686520776562686f6f6b206f662033333336336666642d666463372d353561632d396365382d333039333461303361633036', NULL, '2026-11-24 21:12:09.925771+00'),
	('\x4f55f404401684d32eeab9f31446cca45142438546501d4771e6473678507a78', '\x74686520776562686f6f6b206f662035356136353137322d653063302d353263332d383239612d646538356162386634613464', NULL, '2026-11-24 21:12:09.932225+00'),
	('\xa2163c7c2fde7ed5bbd6ef269621c4774206c9fab2472e894942ee6195e0403b', '\x7b2264617461223a202274686174206e6f626f647920756e64657273746f6f64227d', 'json.shape', '2026-11-24 21:12:10.28691+00');


--
-- Data for Name: payos_checks; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.payos_checks VALUES
	('TNG3M0HWB', '2026-11-24 21:12:39.862467+00', 0, NULL, NULL, false),
	('T4FXR43EF', '2026-11-24 21:12:39.869144+00', 0, NULL, NULL, false),
	('TKNQ9735F', '2026-11-24 21:12:39.874412+00', 0, NULL, NULL, false),
	('TGKXBYP7F', '2026-11-24 21:12:39.876785+00', 0, NULL, NULL, false),
	('TQAX88DXK', '2026-11-24 21:12:39.879425+00', 0, NULL, NULL, false),
	('TAAXV0767', '2026-11-24 21:12:39.881834+00', 0, NULL, NULL, false),
	('T6M0816W6', '2026-11-24 21:12:39.883964+00', 0, NULL, NULL, false),
	('TM2CGZ5PR', '2026-11-24 21:12:39.922933+00', 0, NULL, NULL, false),
	('TK8G36QW3', '2026-11-24 21:12:39.966395+00', 0, NULL, NULL, false);


--
-- Data for Name: schema_files; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.schema_files VALUES
	('migrations/0001_accounts.sql', '\x5c17445851fc948fbcfbe4b6767d837b29c79d6f88bb58dc1070855929078ad6', '2026-11-24 21:12:09.578028+00'),
	('migrations/0002_payments.sql', '\xd42b878888db81e9a075761b4cbb61cc6696fdbbc7fa637cf7ef4e34dd56e99c', '2026-11-24 21:12:09.586457+00'),
	('migrations/0003_stream_leases.sql', '\x33f4cb7dfe8e551f2248f96593ddccc6311593be6ba29f514c5c916ad0cacebf', '2026-11-24 21:12:09.588668+00'),
	('migrations/0004_orders.sql', '\x3e9622b9aef06875127312691667dd07f749a2d967675f0dd49e6fa55792b05e', '2026-11-24 21:12:09.590424+00'),
	('migrations/0005_reconciliation.sql', '\xb8592e5639ac7003873792c16abfe3edda1b51045a71030eaceb11f857287957', '2026-11-24 21:12:09.592198+00'),
	('migrations/0006_review.sql', '\x62a9c668b47b2093c6f2297323a118fa50a6cdb78cc06250a7a111bb113e37fc', '2026-11-24 21:12:09.593247+00'),
	('functions/append_batch.sql', '\x5af3839f69be3520520e616055ab5c2f96e0249ddde9e3d5f2c648ba77687726', '2026-11-24 21:12:09.59413+00'),
	('functions/append_events.sql', '\x38fdb7ed7f0bedf3254741c454235bb18703cfeb498c17d32cdae7081f371ae2', '2026-11-24 21:12:09.595074+00'),
	('functions/append_singly.sql', '\x52eeebe5988363841fdb810c0faa730f1e5adf72f6a6d260c55b863cb75c81ba', '2026-11-24 21:12:09.595929+00'),
	('functions/assign_suspense.sql', '\xed3d3f2d0cf39736fcc0570312aaf08bd1e67535a13cdd2766085400e9b0971e', '2026-11-24 21:12:09.596677+00'),
	('functions/check_schedule.sql', '\x75d3b17d73f435a63d42e7c40f508983aaccf8eed87fa6ccb0d68e37da2fc483', '2026-11-24 21:12:09.597206+00'),
	('functions/claim_checks.sql', '\x6aa4e6fa4e21a4e1b024a577d3f11f072bd418239880d8ede65c75818b8ab0a3', '2026-11-24 21:12:09.59782+00'),
	('functions/claim_link.sql', '\x59ca32a3c8f6475256c11ee8b5e2f88f12da10ce7ffd3e0f791c29439c81ddb0', '2026-11-24 21:12:09.598768+00'),
	('functions/close.sql', '\x399f8d1445f920f78f6b2339e3c541b14641e6d8d05f248d11052153720aeee6', '2026-11-24 21:12:09.599291+00'),
	('functions/close_streams.sql', '\x52b957f13ddfd2992158c8f1bb7a040e42a5fb0a301c225e4240f642a1558f5c', '2026-11-24 21:12:09.599855+00'),
	('functions/credit.sql', '\xce89ca93e358adfafffa49323428798e16164309fe1ace665362cf37b5a4b7e2', '2026-11-24 21:12:09.600308+00'),
	('functions/derived_event_id.sql', '\x8ba2db339e1449621f12025a2bb3145eafc81cb6a2c3f2c24473b0678e23f8e8', '2026-11-24 21:12:09.60076+00'),
	('functions/events_after_insert.sql', '\x4f5f0e1345110ce7ecaa6c234b76f7af0812bbf043140391574a2fd60009eb10', '2026-11-24 21:12:09.601374+00'),
	('functions/expire_streams.sql', '\xbd1a057c82d0d2a76de3affdc73a5b33c0375a2d6d2a766e776dcfe633fdf034', '2026-11-24 21:12:09.601922+00'),
	('functions/find_alike.sql', '\x104867e9e676442b5b25b6f0be8c995c7e07fc86b373a253293792c1ae844436', '2026-11-24 21:12:09.602501+00'),
	('functions/find_opened.sql', '\x33bfe6d001c77f0c66fd54f10485036862f213c0967dd8fcf4f84c8fe448451d', '2026-11-24 21:12:09.602975+00'),
	('functions/finish_check.sql', '\x07276dce62631bbb447d8eab5f637dc52afc6c6eef2145d8cee578b5c243716d', '2026-11-24 21:12:09.603475+00'),
	('functions/first_answer.sql', '\xb01c0e8b57d5fe3816c1c16de47e0ede92dccc8d4d949d22368eeeb52128c8cb', '2026-11-24 21:12:09.603946+00'),
	('functions/judge_facts.sql', '\xe6193117c3c55ce97467a1a60ff6f25878e523d4b0282c781a127340ed63f502', '2026-11-24 21:12:09.605236+00'),
	('functions/judge_repeat.sql', '\x8acaa363ec63ac38137eba2357081c9ba90b3fa622804aed8419c4a63ecf130b', '2026-11-24 21:12:09.606085+00'),
	('functions/judge_streams.sql', '\x4ba5c0d2b8afff63a8fe6ea76c28b46490e50d5ea82cd1b59dc7d1cd4bc3e0df', '2026-11-24 21:12:09.60684+00'),
	('functions/keep_body.sql', '\x4dd70a69a27c9eed324e3c5a76b50b6ec514aff89f29d5abebb1b3995626e83c', '2026-11-24 21:12:09.607536+00'),
	('functions/ledger_entries_balance.sql', '\x03e6510f8311004eeca1b176d314a9d2106f4d15f1fa3aa54d949dc8731a2d6d', '2026-11-24 21:12:09.608307+00'),
	('functions/limit_open_topups.sql', '\x630aeb4f4059685a05788e9537a30433ec9393379d3e1a43d30869f841315b85', '2026-11-24 21:12:09.608965+00'),
	('functions/limit_streams.sql', '\x5722db1daf201192073a7abe3e91d2b68102b9924707957fca417b207f483c56', '2026-11-24 21:12:09.60965+00'),
	('functions/lock_streams.sql', '\xbe8a7235a51e432ef999f0ab74b298a4a660c111df8f953214a9a5e32369b592', '2026-11-24 21:12:09.610144+00'),
	('functions/lock_topups.sql', '\xfb1e4acd93e80f447802324f570cfed6dcad20e1224e0b12c50b20d82cc910ab', '2026-11-24 21:12:09.61071+00'),
	('functions/match_facts.sql', '\xdcd417f9755cae4cf10b58b2241138c3419ff13cf600350979745cc76e5eac3b', '2026-11-24 21:12:09.611196+00'),
	('functions/match_topup.sql', '\xd674211358220c1a13061c966472dc86b41d1acef0c90090b3d0d350fceb05e0', '2026-11-24 21:12:09.611752+00'),
	('functions/mismatch.sql', '\xa10bc0dfc1314335e436b167d558b29653c21f42d9536416284b4560337a8a6a', '2026-11-24 21:12:09.612204+00'),
	('functions/next_check.sql', '\x36431fc89a98495fdcd38491ed79bd80aa19d47ecff820780ea0461485ca8d59', '2026-11-24 21:12:09.612754+00'),
	('functions/next_state.sql', '\x46c4ff24f0bdc353636fc3930069d78e1f1aa765ee58981f897b897b0eee9862', '2026-11-24 21:12:09.613662+00'),
	('functions/notify_if_room.sql', '\x28bd01c7edf6b223cfd20c59aac3c4f16283bb64cab51a53a9732bc92f50ace6', '2026-11-24 21:12:09.61448+00'),
	('functions/notify_topup.sql', '\x647fd1f955f17d6ad6d8a9e4b8b20a74bcfbdfb719025e56272a4154a6ec8691', '2026-11-24 21:12:09.61497+00'),
	('functions/nudge_checks.sql', '\x2cc10b2f0b1035aa6e6e77516e86a8a9e34923d94323332ce22872e4721d73f1', '2026-11-24 21:12:09.615553+00'),
	('functions/open_session.sql', '\x7eea1ad34d9ea4451404a2db4f1c874db510afe64a7dc73fcd9b9421b5c6c3b2', '2026-11-24 21:12:09.616029+00'),
	('functions/open_streams.sql', '\xd41ccf8d048de6cd2adac237fd84bf5a7b00f72eed8773581fba82c68bd8215a', '2026-11-24 21:12:09.616591+00'),
	('functions/open_topup.sql', '\x0f1859f184f2f5d8971397270c3dd1f9f3be07137a2184a1e2793bdf475ae3f9', '2026-11-24 21:12:09.617727+00'),
	('functions/payable_until.sql', '\xb694ea55e05b2eef309a2daa49205257bd11284ed3d6e6bbc4952a38c1ae811b', '2026-11-24 21:12:09.618212+00'),
	('functions/postings.sql', '\xfdaae1f41168d36d6450683e6d030d24696875c4711ffc853d4f13b6873f0714', '2026-11-24 21:12:09.618886+00'),
	('functions/project_event.sql', '\x89221fe83b3e51988b2a6d7809f1da90973f96616fff6086ecd726608e286deb', '2026-11-24 21:12:09.619439+00'),
	('functions/read_facts.sql', '\xea4fe14c812c22022dcfc4ae2fad1739902b116fdf8851b546de8254f8940de1', '2026-11-24 21:12:09.619919+00'),
	('functions/read_updates.sql', '\x33d3794eed554a691ba18dbbd2f2a00505b00d13e1281bb2bb38612f388d367e', '2026-11-24 21:12:09.62048+00'),
	('functions/reconcile_streams.sql', '\x0933fab3384ab133157be1246b2265bc4adfdc2927ca2a2292b16f274471d015', '2026-11-24 21:12:09.620947+00'),
	('functions/refuse_change.sql', '\xcfcb9028c84914c76fe5e08258373b4b5e81aa6b9941b77a9c2efb743958b2a1', '2026-11-24 21:12:09.621667+00'),
	('functions/register_user.sql', '\x3ed79399e793f2d8f531c0ee41ac8ef7d8f706e8fec525c04fe8b92ecb61e0df', '2026-11-24 21:12:09.622215+00'),
	('functions/release_link.sql', '\x50efa00f49d86d136f10fff7477a62854136876e002e33057f3e9ed058f50e69', '2026-11-24 21:12:09.622785+00'),
	('functions/renumber_topup.sql', '\x6a60b0e75eafffa4f6293ea56d55a4ff3ee4fa2d7789e25840ea36111a08e967', '2026-11-24 21:12:09.623298+00'),
	('functions/revoke_session.sql', '\x1d1573763b275754a2e4f758a2aaae7160ae1d5c2ad0f80443459f60c43cb93d', '2026-11-24 21:12:09.623791+00'),
	('functions/schedule_check.sql', '\xbbb6bf31f62da3625ebaa6ddcb069501997cf5702a181613891b1a67860d2591', '2026-11-24 21:12:09.624246+00'),
	('functions/session_is_open.sql', '\x15a1a06c563acaf1d02a628b47d56590977a75b675eed4407fa1988c3f2f99a7', '2026-11-24 21:12:09.6247+00'),
	('functions/state_in_batch.sql', '\x670ab602a9a4519bf3e51d6f87f81c57468ca7a5deb99875079d86305c865c5d', '2026-11-24 21:12:09.62515+00'),
	('functions/touch_session.sql', '\xe9956d173e84b1d830edd5bae7d39adf25bfdeeecf30780dce20f5769d4cbad2', '2026-11-24 21:12:09.62566+00'),
	('functions/waiting_transfer.sql', '\xfd190c84c513898eee262266b1fa9b375616f4c53112f70bdbf27f38aa8cc4b9', '2026-11-24 21:12:09.626114+00'),
	('functions/worker_is_alive.sql', '\x37a4d2d69a62b0ebd585563fb31a9e7719286fc1c8c9e986adc17c8aac47c268', '2026-11-24 21:12:09.626621+00'),
	('audit/conflicts.sql', '\x548dedff8b4b5221a1a4961ae3f09ef70e29a69bcf85d0ece7def01c086b58aa', '2026-11-24 21:12:09.628665+00'),
	('audit/drift.sql', '\xcc07860d20e9202ed7c700f7d9e74b350bd0db2d36a05ded3682e706086e75f4', '2026-11-24 21:12:09.629301+00'),
	('audit/money_equation.sql', '\x98c0cfaba2d14b362c129c5545829980dd7488880498891cb404ab1abe3df482', '2026-11-24 21:12:09.630674+00'),
	('audit/suspense.sql', '\x6f092c9e3ef3701e2af4a7581ffc2292346d7579214ea7649723a497ac8e0506', '2026-11-24 21:12:09.633079+00'),
	('audit/suspense_history.sql', '\xbe3b4bfcf5d75193b9340a9692ab1c0937cccff655747b87fcd307ef1ddd853c', '2026-11-24 21:12:09.634465+00'),
	('audit/unread_bodies.sql', '\x493c6bb6ad0b65e9a51f3b5c5178c643969ef4802e2bb496e9da2bd0899e2570', '2026-11-24 21:12:09.63538+00'),
	('functions/fold.sql', '\xe6de4ef89c7b3c1365db04ef58d9bae8a0704ca5377d2c4de8fdff5ac81c55b4', '2026-11-24 21:12:09.636128+00'),
	('audit/review_counts.sql', '\x277c306eabd97b7322a0d051169c31a701aa41f1b3bef3468dcf6aa6c7242ea0', '2026-11-24 21:12:09.637193+00');


--
-- Data for Name: sessions; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.sessions VALUES
	('\x2348f998744212575d85959674f9607ab26f67708a917157472832386337c904', 1, '2026-11-24 21:12:09.963175+00', '2026-11-24 21:12:09.963175+00', '2026-11-25 21:12:09.963175+00', NULL),
	('\xe87ba7a0b779d8b797f86d19604504496f23b4d1e31ed4721d9dc8634172b723', 1, '2026-11-24 21:12:09.963993+00', '2026-11-24 21:12:09.963993+00', '2026-11-25 21:12:09.963993+00', '2026-11-24 21:12:09.96503+00');


--
-- Data for Name: stream_leases; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.stream_leases VALUES
	(1, 1, 1, '\x2348f998744212575d85959674f9607ab26f67708a917157472832386337c904', 'TK8G36QW3', '2026-11-24 21:12:10.281669+00', NULL);


--
-- Data for Name: topups; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.topups VALUES
	('TNG3M0HWB', 1, 586914533626, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 0, 'pending', false, 2, '2026-11-24 21:12:09.862467+00', '2026-11-24 21:27:09.862467+00', NULL, NULL, NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('TM2CGZ5PR', 2, 586914533627, '000000000000000000000088a6d510fb', 'https://pay.example/000000000000000000000088a6d510fb', '0002010102', '970422', '1234567890', 'NAPVI', 'CS1234567 TM2CGZ5PR', 50000, 150000, 'confirmed', false, 7, '2026-11-24 21:12:09.922933+00', '2026-11-24 21:27:09.922933+00', '2026-11-24 21:12:09.926003+00', NULL, NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('TK8G36QW3', 1, 586914533628, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 0, 'pending', false, 1, '2026-11-24 21:12:09.966395+00', '2026-11-24 21:27:09.966395+00', NULL, NULL, 'a key', '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('T4FXR43EF', 1, 586914533620, '000000000000000000000088a6d510f4', 'https://pay.example/000000000000000000000088a6d510f4', '0002010102', '970422', '1234567890', 'NAPVI', 'CS1234567 T4FXR43EF', 50000, 20000, 'underpaid', false, 3, '2026-11-24 21:12:09.869144+00', '2026-11-24 21:27:09.869144+00', NULL, NULL, NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('TKNQ9735F', 1, 586914533621, '000000000000000000000088a6d510f5', 'https://pay.example/000000000000000000000088a6d510f5', '0002010102', '970422', '1234567890', 'NAPVI', 'CS1234567 TKNQ9735F', 50000, 55000, 'confirmed', false, 4, '2026-11-24 21:12:09.874412+00', '2026-11-24 21:27:09.874412+00', '2026-11-24 21:12:09.899493+00', NULL, NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('TGKXBYP7F', 1, 586914533622, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 0, 'failed', false, 2, '2026-11-24 21:12:09.876785+00', '2026-11-24 21:27:09.876785+00', NULL, '2026-11-24 21:12:09.899499+00', NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('TQAX88DXK', 1, 586914533623, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 0, 'cancelled', false, 2, '2026-11-24 21:12:09.879425+00', '2026-11-24 21:27:09.879425+00', NULL, '2026-11-24 21:12:09.899502+00', NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('TAAXV0767', 1, 586914533624, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 50000, 0, 'expired', false, 2, '2026-11-24 21:12:09.881834+00', '2026-11-24 21:27:09.881834+00', NULL, '2026-11-24 21:12:09.899505+00', NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262'),
	('T6M0816W6', 1, 586914533625, '000000000000000000000088a6d510f9', 'https://pay.example/000000000000000000000088a6d510f9', '0002010102', '970422', '1234567890', 'NAPVI', 'CS1234567 T6M0816W6', 50000, 50000, 'confirmed', true, 4, '2026-11-24 21:12:09.883964+00', '2026-11-24 21:27:09.883964+00', '2026-11-24 21:12:09.918022+00', NULL, NULL, '022717fe57632d9eea7f3aa74f869ea98f57ebdccc23e195a9f270c666ffe262');


--
-- Data for Name: users; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.users OVERRIDING SYSTEM VALUE VALUES
	(1, 'payer.of.old', '$argon2id$v=19$m=65536,t=3,p=4$JBCzsZmpKn85NgYEsu4fiA$W45ObylycMmeBF2VU9Xpud0q/UkZlHWUxXIoRcbaoGQ', '2026-11-24 21:12:09.850055+00'),
	(2, 'another.of.old', '$argon2id$v=19$m=65536,t=3,p=4$JBCzsZmpKn85NgYEsu4fiA$W45ObylycMmeBF2VU9Xpud0q/UkZlHWUxXIoRcbaoGQ', '2026-11-24 21:12:09.854136+00');


--
-- Data for Name: wallets; Type: TABLE DATA; Schema: topup; Owner: topup_owner
--

INSERT INTO topup.wallets VALUES
	(1, 125000, 4),
	(2, 150000, 3);


--
-- Name: events_id_seq; Type: SEQUENCE SET; Schema: topup; Owner: topup_owner
--

SELECT pg_catalog.setval('topup.events_id_seq', 30, true);


--
-- Name: ledger_entries_id_seq; Type: SEQUENCE SET; Schema: topup; Owner: topup_owner
--

SELECT pg_catalog.setval('topup.ledger_entries_id_seq', 20, true);


--
-- Name: order_codes; Type: SEQUENCE SET; Schema: topup; Owner: topup_owner
--

SELECT pg_catalog.setval('topup.order_codes', 586914533628, true);


--
-- Name: users_user_id_seq; Type: SEQUENCE SET; Schema: topup; Owner: topup_owner
--

SELECT pg_catalog.setval('topup.users_user_id_seq', 2, true);


--
-- Name: events events_event_id_key; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.events
    ADD CONSTRAINT events_event_id_key UNIQUE (event_id);


--
-- Name: events events_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (id);


--
-- Name: events events_tx_ref_seq_key; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.events
    ADD CONSTRAINT events_tx_ref_seq_key UNIQUE (tx_ref, seq);


--
-- Name: ledger_entries ledger_entries_event_id_account_key; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.ledger_entries
    ADD CONSTRAINT ledger_entries_event_id_account_key UNIQUE (event_id, account);


--
-- Name: ledger_entries ledger_entries_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.ledger_entries
    ADD CONSTRAINT ledger_entries_pkey PRIMARY KEY (id);


--
-- Name: link_claims link_claims_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.link_claims
    ADD CONSTRAINT link_claims_pkey PRIMARY KEY (tx_ref);


--
-- Name: payos_bodies payos_bodies_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.payos_bodies
    ADD CONSTRAINT payos_bodies_pkey PRIMARY KEY (body_sha256);


--
-- Name: payos_checks payos_checks_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.payos_checks
    ADD CONSTRAINT payos_checks_pkey PRIMARY KEY (tx_ref);


--
-- Name: schema_files schema_files_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.schema_files
    ADD CONSTRAINT schema_files_pkey PRIMARY KEY (path);


--
-- Name: sessions sessions_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (session_hash);


--
-- Name: stream_leases stream_leases_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.stream_leases
    ADD CONSTRAINT stream_leases_pkey PRIMARY KEY (worker_id, stream_id);


--
-- Name: topups topups_order_code_key; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.topups
    ADD CONSTRAINT topups_order_code_key UNIQUE (order_code);


--
-- Name: topups topups_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.topups
    ADD CONSTRAINT topups_pkey PRIMARY KEY (tx_ref);


--
-- Name: topups topups_user_id_idempotency_key_key; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.topups
    ADD CONSTRAINT topups_user_id_idempotency_key_key UNIQUE (user_id, idempotency_key);


--
-- Name: users users_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);


--
-- Name: users users_username_key; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.users
    ADD CONSTRAINT users_username_key UNIQUE (username);


--
-- Name: wallets wallets_pkey; Type: CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.wallets
    ADD CONSTRAINT wallets_pkey PRIMARY KEY (user_id);


--
-- Name: events_for_review; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX events_for_review ON topup.events USING btree (type, recorded_at) WHERE ((tx_ref IS NULL) OR (type = ANY (ARRAY['payment.conflict'::text, 'suspense.assigned'::text])));


--
-- Name: ledger_entries_user_id_id; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX ledger_entries_user_id_id ON topup.ledger_entries USING btree (user_id, id) INCLUDE (balance_after, recorded_at) WHERE (user_id IS NOT NULL);


--
-- Name: payos_bodies_unread; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX payos_bodies_unread ON topup.payos_bodies USING btree (received_at) WHERE (fault IS NOT NULL);


--
-- Name: payos_checks_claimed_until; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX payos_checks_claimed_until ON topup.payos_checks USING btree (claimed_until) WHERE (claimed_until IS NOT NULL);


--
-- Name: payos_checks_next_at; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX payos_checks_next_at ON topup.payos_checks USING btree (next_at);


--
-- Name: sessions_user_id; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX sessions_user_id ON topup.sessions USING btree (user_id);


--
-- Name: stream_leases_ended; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX stream_leases_ended ON topup.stream_leases USING btree (worker_id) WHERE (ended IS NOT NULL);


--
-- Name: stream_leases_session_hash; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX stream_leases_session_hash ON topup.stream_leases USING btree (session_hash);


--
-- Name: stream_leases_user_id; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX stream_leases_user_id ON topup.stream_leases USING btree (user_id, opened_at);


--
-- Name: topups_user_id_opened_at; Type: INDEX; Schema: topup; Owner: topup_owner
--

CREATE INDEX topups_user_id_opened_at ON topup.topups USING btree (user_id, opened_at DESC);


--
-- Name: events events_after_insert; Type: TRIGGER; Schema: topup; Owner: topup_owner
--

CREATE TRIGGER events_after_insert AFTER INSERT ON topup.events FOR EACH ROW EXECUTE FUNCTION topup.events_after_insert();


--
-- Name: events events_before_change; Type: TRIGGER; Schema: topup; Owner: topup_owner
--

CREATE TRIGGER events_before_change BEFORE DELETE OR UPDATE ON topup.events FOR EACH ROW EXECUTE FUNCTION topup.refuse_change();


--
-- Name: events events_before_truncate; Type: TRIGGER; Schema: topup; Owner: topup_owner
--

CREATE TRIGGER events_before_truncate BEFORE TRUNCATE ON topup.events FOR EACH STATEMENT EXECUTE FUNCTION topup.refuse_change();


--
-- Name: ledger_entries ledger_entries_balance; Type: TRIGGER; Schema: topup; Owner: topup_owner
--

CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON topup.ledger_entries DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION topup.ledger_entries_balance();


--
-- Name: ledger_entries ledger_entries_before_change; Type: TRIGGER; Schema: topup; Owner: topup_owner
--

CREATE TRIGGER ledger_entries_before_change BEFORE DELETE OR UPDATE ON topup.ledger_entries FOR EACH ROW EXECUTE FUNCTION topup.refuse_change();


--
-- Name: ledger_entries ledger_entries_before_truncate; Type: TRIGGER; Schema: topup; Owner: topup_owner
--

CREATE TRIGGER ledger_entries_before_truncate BEFORE TRUNCATE ON topup.ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION topup.refuse_change();


--
-- Name: events events_tx_ref_fkey; Type: FK CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.events
    ADD CONSTRAINT events_tx_ref_fkey FOREIGN KEY (tx_ref) REFERENCES topup.topups(tx_ref) DEFERRABLE INITIALLY DEFERRED;


--
-- Name: ledger_entries ledger_entries_event_id_fkey; Type: FK CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.ledger_entries
    ADD CONSTRAINT ledger_entries_event_id_fkey FOREIGN KEY (event_id) REFERENCES topup.events(event_id);


--
-- Name: ledger_entries ledger_entries_user_id_fkey; Type: FK CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.ledger_entries
    ADD CONSTRAINT ledger_entries_user_id_fkey FOREIGN KEY (user_id) REFERENCES topup.wallets(user_id);


--
-- Name: sessions sessions_user_id_fkey; Type: FK CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES topup.users(user_id);


--
-- Name: topups topups_user_id_fkey; Type: FK CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.topups
    ADD CONSTRAINT topups_user_id_fkey FOREIGN KEY (user_id) REFERENCES topup.wallets(user_id);


--
-- Name: wallets wallets_user_id_fkey; Type: FK CONSTRAINT; Schema: topup; Owner: topup_owner
--

ALTER TABLE ONLY topup.wallets
    ADD CONSTRAINT wallets_user_id_fkey FOREIGN KEY (user_id) REFERENCES topup.users(user_id);


--
-- Name: SCHEMA audit; Type: ACL; Schema: -; Owner: topup_owner
--

GRANT USAGE ON SCHEMA audit TO topup_app;
GRANT USAGE ON SCHEMA audit TO topup_auditor;


--
-- Name: SCHEMA topup; Type: ACL; Schema: -; Owner: topup_owner
--

GRANT USAGE ON SCHEMA topup TO topup_app;


--
-- Name: FUNCTION drift(); Type: ACL; Schema: audit; Owner: topup_owner
--

REVOKE ALL ON FUNCTION audit.drift() FROM PUBLIC;
GRANT ALL ON FUNCTION audit.drift() TO topup_auditor;
GRANT ALL ON FUNCTION audit.drift() TO topup_app;


--
-- Name: FUNCTION append_batch(p_facts topup.fact[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.append_batch(p_facts topup.fact[]) FROM PUBLIC;


--
-- Name: FUNCTION append_events(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.append_events(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.append_events(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) TO topup_app;


--
-- Name: FUNCTION append_singly(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.append_singly(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) FROM PUBLIC;


--
-- Name: FUNCTION assign_suspense(p_event_id uuid, p_tx_ref text, p_reason text, p_assigned_by text); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.assign_suspense(p_event_id uuid, p_tx_ref text, p_reason text, p_assigned_by text) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.assign_suspense(p_event_id uuid, p_tx_ref text, p_reason text, p_assigned_by text) TO topup_app;


--
-- Name: FUNCTION check_schedule(); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.check_schedule() FROM PUBLIC;


--
-- Name: FUNCTION claim_checks(p_at_once integer, p_lease_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.claim_checks(p_at_once integer, p_lease_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.claim_checks(p_at_once integer, p_lease_seconds double precision) TO topup_app;


--
-- Name: FUNCTION claim_link(p_tx_ref text, p_request_id uuid, p_claim_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.claim_link(p_tx_ref text, p_request_id uuid, p_claim_seconds double precision) FROM PUBLIC;


--
-- Name: TABLE topups; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.topups TO topup_app;


--
-- Name: FUNCTION close(p_state topup.topups, p_status text, p_recorded_at timestamp with time zone); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.close(p_state topup.topups, p_status text, p_recorded_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.close(p_state topup.topups, p_status text, p_recorded_at timestamp with time zone) TO topup_app;


--
-- Name: FUNCTION close_streams(p_worker_id integer, p_stream_ids bigint[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.close_streams(p_worker_id integer, p_stream_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.close_streams(p_worker_id integer, p_stream_ids bigint[]) TO topup_app;


--
-- Name: FUNCTION credit(p_state topup.topups, p_amount bigint, p_recorded_at timestamp with time zone); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.credit(p_state topup.topups, p_amount bigint, p_recorded_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.credit(p_state topup.topups, p_amount bigint, p_recorded_at timestamp with time zone) TO topup_app;


--
-- Name: FUNCTION derived_event_id(p_description text); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.derived_event_id(p_description text) FROM PUBLIC;


--
-- Name: FUNCTION events_after_insert(); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.events_after_insert() FROM PUBLIC;


--
-- Name: FUNCTION expire_streams(p_worker_id integer, p_idle_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.expire_streams(p_worker_id integer, p_idle_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.expire_streams(p_worker_id integer, p_idle_seconds double precision) TO topup_app;


--
-- Name: FUNCTION find_alike(p_fact topup.fact, p_facts topup.fact[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.find_alike(p_fact topup.fact, p_facts topup.fact[]) FROM PUBLIC;


--
-- Name: FUNCTION find_opened(p_tx_ref text, p_user_id bigint, p_idempotency_key text); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.find_opened(p_tx_ref text, p_user_id bigint, p_idempotency_key text) FROM PUBLIC;


--
-- Name: FUNCTION finish_check(p_tx_ref text, p_answered boolean); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.finish_check(p_tx_ref text, p_answered boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.finish_check(p_tx_ref text, p_answered boolean) TO topup_app;


--
-- Name: FUNCTION first_answer(p_tx_ref text); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.first_answer(p_tx_ref text) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.first_answer(p_tx_ref text) TO topup_app;


--
-- Name: FUNCTION judge_facts(p_facts topup.fact[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.judge_facts(p_facts topup.fact[]) FROM PUBLIC;


--
-- Name: FUNCTION judge_repeat(p_fact topup.fact, p_topup topup.topups, p_facts topup.fact[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.judge_repeat(p_fact topup.fact, p_topup topup.topups, p_facts topup.fact[]) FROM PUBLIC;


--
-- Name: FUNCTION judge_streams(p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.judge_streams(p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision) FROM PUBLIC;


--
-- Name: FUNCTION keep_body(p_raw bytea, p_fault text); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.keep_body(p_raw bytea, p_fault text) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.keep_body(p_raw bytea, p_fault text) TO topup_app;


--
-- Name: FUNCTION ledger_entries_balance(); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.ledger_entries_balance() FROM PUBLIC;


--
-- Name: FUNCTION limit_open_topups(p_user_id bigint, p_open_max integer); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.limit_open_topups(p_user_id bigint, p_open_max integer) FROM PUBLIC;


--
-- Name: FUNCTION limit_streams(p_user_id bigint, p_worker_id integer, p_stream_ids bigint[], p_per_user_max integer, p_spare_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.limit_streams(p_user_id bigint, p_worker_id integer, p_stream_ids bigint[], p_per_user_max integer, p_spare_seconds double precision) FROM PUBLIC;


--
-- Name: FUNCTION lock_streams(p_session_hashes bytea[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.lock_streams(p_session_hashes bytea[]) FROM PUBLIC;


--
-- Name: FUNCTION lock_topups(p_tx_refs text[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.lock_topups(p_tx_refs text[]) FROM PUBLIC;


--
-- Name: FUNCTION match_facts(p_facts topup.fact[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.match_facts(p_facts topup.fact[]) FROM PUBLIC;


--
-- Name: FUNCTION match_topup(p_data jsonb); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.match_topup(p_data jsonb) FROM PUBLIC;


--
-- Name: FUNCTION mismatch(p_data jsonb, p_topup topup.topups); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.mismatch(p_data jsonb, p_topup topup.topups) FROM PUBLIC;


--
-- Name: FUNCTION next_check(p_topup topup.topups, p_now timestamp with time zone, p_schedule double precision[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.next_check(p_topup topup.topups, p_now timestamp with time zone, p_schedule double precision[]) FROM PUBLIC;


--
-- Name: TABLE events; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.events TO topup_app;


--
-- Name: FUNCTION next_state(p_state topup.topups, p_event topup.events); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.next_state(p_state topup.topups, p_event topup.events) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.next_state(p_state topup.topups, p_event topup.events) TO topup_app;


--
-- Name: FUNCTION notify_if_room(p_channel text, p_payload text, OUT sent boolean, OUT queue_usage numeric); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.notify_if_room(p_channel text, p_payload text, OUT sent boolean, OUT queue_usage numeric) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.notify_if_room(p_channel text, p_payload text, OUT sent boolean, OUT queue_usage numeric) TO topup_app;


--
-- Name: FUNCTION notify_topup(p_tx_ref text, p_seq bigint); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.notify_topup(p_tx_ref text, p_seq bigint) FROM PUBLIC;


--
-- Name: FUNCTION nudge_checks(p_tx_refs text[], p_wait_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.nudge_checks(p_tx_refs text[], p_wait_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.nudge_checks(p_tx_refs text[], p_wait_seconds double precision) TO topup_app;


--
-- Name: FUNCTION open_session(p_session_hash bytea, p_user_id bigint, p_absolute_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.open_session(p_session_hash bytea, p_user_id bigint, p_absolute_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.open_session(p_session_hash bytea, p_user_id bigint, p_absolute_seconds double precision) TO topup_app;


--
-- Name: FUNCTION open_streams(p_worker_id integer, p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision, p_per_user_max integer, p_spare_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.open_streams(p_worker_id integer, p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision, p_per_user_max integer, p_spare_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.open_streams(p_worker_id integer, p_stream_ids bigint[], p_session_hashes bytea[], p_tx_refs text[], p_afters bigint[], p_idle_seconds double precision, p_grace_seconds double precision, p_per_user_max integer, p_spare_seconds double precision) TO topup_app;


--
-- Name: FUNCTION open_topup(p_tx_ref text, p_request_id uuid, p_user_id bigint, p_amount bigint, p_expiry_seconds double precision, p_open_max integer, p_idempotency_key text, p_idempotency_fingerprint text, p_claim_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.open_topup(p_tx_ref text, p_request_id uuid, p_user_id bigint, p_amount bigint, p_expiry_seconds double precision, p_open_max integer, p_idempotency_key text, p_idempotency_fingerprint text, p_claim_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.open_topup(p_tx_ref text, p_request_id uuid, p_user_id bigint, p_amount bigint, p_expiry_seconds double precision, p_open_max integer, p_idempotency_key text, p_idempotency_fingerprint text, p_claim_seconds double precision) TO topup_app;


--
-- Name: FUNCTION payable_until(p_expires_at timestamp with time zone); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.payable_until(p_expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.payable_until(p_expires_at timestamp with time zone) TO topup_app;


--
-- Name: FUNCTION postings(p_event topup.events, p_user_id bigint); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.postings(p_event topup.events, p_user_id bigint) FROM PUBLIC;


--
-- Name: FUNCTION project_event(p_event topup.events); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.project_event(p_event topup.events) FROM PUBLIC;


--
-- Name: FUNCTION read_facts(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.read_facts(p_event_ids text[], p_types text[], p_tx_refs text[], p_data text[], p_occurred_at text[], p_bodies bytea[]) FROM PUBLIC;


--
-- Name: FUNCTION read_updates(p_tx_refs text[], p_afters bigint[], p_grace_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.read_updates(p_tx_refs text[], p_afters bigint[], p_grace_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.read_updates(p_tx_refs text[], p_afters bigint[], p_grace_seconds double precision) TO topup_app;


--
-- Name: FUNCTION reconcile_streams(p_worker_id integer, p_stream_ids bigint[], p_user_ids bigint[], p_session_hashes bytea[], p_tx_refs text[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.reconcile_streams(p_worker_id integer, p_stream_ids bigint[], p_user_ids bigint[], p_session_hashes bytea[], p_tx_refs text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.reconcile_streams(p_worker_id integer, p_stream_ids bigint[], p_user_ids bigint[], p_session_hashes bytea[], p_tx_refs text[]) TO topup_app;


--
-- Name: FUNCTION refuse_change(); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.refuse_change() FROM PUBLIC;


--
-- Name: FUNCTION register_user(p_username text, p_password_hash text); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.register_user(p_username text, p_password_hash text) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.register_user(p_username text, p_password_hash text) TO topup_app;


--
-- Name: FUNCTION release_link(p_tx_ref text, p_request_id uuid); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.release_link(p_tx_ref text, p_request_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.release_link(p_tx_ref text, p_request_id uuid) TO topup_app;


--
-- Name: FUNCTION renumber_topup(p_tx_ref text, p_taken_order_code bigint); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.renumber_topup(p_tx_ref text, p_taken_order_code bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.renumber_topup(p_tx_ref text, p_taken_order_code bigint) TO topup_app;


--
-- Name: FUNCTION revoke_session(p_session_hash bytea); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.revoke_session(p_session_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.revoke_session(p_session_hash bytea) TO topup_app;


--
-- Name: FUNCTION schedule_check(p_tx_ref text, p_doubtful boolean); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.schedule_check(p_tx_ref text, p_doubtful boolean) FROM PUBLIC;


--
-- Name: TABLE sessions; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.sessions TO topup_app;


--
-- Name: FUNCTION session_is_open(p_session topup.sessions, p_idle_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.session_is_open(p_session topup.sessions, p_idle_seconds double precision) FROM PUBLIC;


--
-- Name: FUNCTION state_in_batch(p_state topup.topups, p_facts topup.fact[]); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.state_in_batch(p_state topup.topups, p_facts topup.fact[]) FROM PUBLIC;


--
-- Name: FUNCTION touch_session(p_session_hash bytea, p_idle_seconds double precision); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.touch_session(p_session_hash bytea, p_idle_seconds double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.touch_session(p_session_hash bytea, p_idle_seconds double precision) TO topup_app;


--
-- Name: FUNCTION waiting_transfer(p_event_id uuid); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.waiting_transfer(p_event_id uuid) FROM PUBLIC;


--
-- Name: FUNCTION worker_is_alive(p_worker_id integer); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.worker_is_alive(p_worker_id integer) FROM PUBLIC;


--
-- Name: FUNCTION fold(topup.events); Type: ACL; Schema: topup; Owner: topup_owner
--

REVOKE ALL ON FUNCTION topup.fold(topup.events) FROM PUBLIC;
GRANT ALL ON FUNCTION topup.fold(topup.events) TO topup_app;


--
-- Name: TABLE conflicts; Type: ACL; Schema: audit; Owner: topup_owner
--

GRANT SELECT ON TABLE audit.conflicts TO topup_auditor;
GRANT SELECT ON TABLE audit.conflicts TO topup_app;


--
-- Name: TABLE ledger_entries; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.ledger_entries TO topup_app;


--
-- Name: TABLE wallets; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.wallets TO topup_app;


--
-- Name: TABLE money_equation; Type: ACL; Schema: audit; Owner: topup_owner
--

GRANT SELECT ON TABLE audit.money_equation TO topup_auditor;
GRANT SELECT ON TABLE audit.money_equation TO topup_app;


--
-- Name: TABLE suspense; Type: ACL; Schema: audit; Owner: topup_owner
--

GRANT SELECT ON TABLE audit.suspense TO topup_auditor;
GRANT SELECT ON TABLE audit.suspense TO topup_app;


--
-- Name: TABLE unread_bodies; Type: ACL; Schema: audit; Owner: topup_owner
--

GRANT SELECT ON TABLE audit.unread_bodies TO topup_auditor;
GRANT SELECT ON TABLE audit.unread_bodies TO topup_app;


--
-- Name: TABLE review_counts; Type: ACL; Schema: audit; Owner: topup_owner
--

GRANT SELECT ON TABLE audit.review_counts TO topup_auditor;
GRANT SELECT ON TABLE audit.review_counts TO topup_app;


--
-- Name: TABLE suspense_history; Type: ACL; Schema: audit; Owner: topup_owner
--

GRANT SELECT ON TABLE audit.suspense_history TO topup_auditor;
GRANT SELECT ON TABLE audit.suspense_history TO topup_app;


--
-- Name: TABLE link_claims; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.link_claims TO topup_app;


--
-- Name: TABLE payos_checks; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.payos_checks TO topup_app;


--
-- Name: TABLE schema_files; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.schema_files TO topup_app;


--
-- Name: TABLE stream_leases; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.stream_leases TO topup_app;


--
-- Name: TABLE users; Type: ACL; Schema: topup; Owner: topup_owner
--

GRANT SELECT ON TABLE topup.users TO topup_app;


--
-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: topup_owner
--

ALTER DEFAULT PRIVILEGES FOR ROLE topup_owner REVOKE ALL ON FUNCTIONS  FROM PUBLIC;


--
-- PostgreSQL database dump complete
--


