"""Who may do what: the application reads and calls the doors, the auditor reads audit."""

from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.payments import Process, connected, query, transfer

DOORS = {
    "append_events",
    "assign_suspense",
    "claim_checks",
    "close_streams",
    "count_guess",
    "dismiss_body",
    "expire_streams",
    "finish_check",
    "forget_guesses",
    "hasten_checks",
    "keep_body",
    "notify_if_room",
    "nudge_checks",
    "open_session",
    "open_streams",
    "open_topup",
    "prune_bodies",
    "prune_guesses",
    "prune_link_claims",
    "prune_sessions",
    "reconcile_streams",
    "register_user",
    "release_link",
    "renumber_topup",
    "resume_link",
    "revoke_session",
    "skip_order_codes",
    "seal_events",
    "take_back_guess",
    "take_checkpoint",
    "touch_session",
}
READS = {
    "read_updates",
    "read_history",
    "is_over",
    "has_open_conflict",
    "crediting_event_id",
    "derived_event_id",
    "first_answer",
    "fold",
    "next_state",
    "credit",
    "close",
    "payable_until",
}
"""As the application itself: these fold the log in its caller's name."""

FUNCTIONS = """
    SELECT p.proname FROM pg_proc AS p
    WHERE p.pronamespace = %s::regnamespace AND has_function_privilege(%s, p.oid, 'EXECUTE')
"""
WRITE_PRIVILEGES = """
    SELECT c.relname, privilege
    FROM pg_class AS c
    CROSS JOIN unnest(
        ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
    ) AS privilege
    WHERE
        c.relnamespace = ANY (ARRAY['topup', 'audit']::regnamespace[])
        AND c.relkind IN ('r', 'v', 'm', 'p')
        AND (
            has_table_privilege(%s, c.oid, privilege)
            OR privilege IN ('INSERT', 'UPDATE') AND has_any_column_privilege(%s, c.oid, privilege)
        )
"""
SEQUENCES = """
    SELECT c.relname FROM pg_class AS c
    WHERE
        c.relnamespace = 'topup'::regnamespace
        AND CASE c.relkind
            WHEN 'S' THEN has_sequence_privilege(%s, c.oid, 'USAGE, SELECT, UPDATE')
        END
"""
EXECUTABLE_BY_PUBLIC = """
    SELECT p.oid::regprocedure::text FROM pg_proc AS p
    CROSS JOIN LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS a
    WHERE p.pronamespace = ANY (ARRAY['topup', 'audit']::regnamespace[]) AND a.grantee = 0
"""
PRIVATE = {"payos_bodies"}
"""Holds payer data: the application writes it through its door and cannot read it back."""


async def names(url: str, sql: LiteralString, *values: object) -> set[Any]:
    return {row[0] for row in await query(url, sql, *values)}


async def test_the_application_calls_the_doors_and_no_inner_function(database_url: str) -> None:
    assert await names(database_url, FUNCTIONS, "topup", "topup_app") == DOORS | READS


@pytest.mark.parametrize("role", ["topup_app", "topup_auditor"])
async def test_nobody_but_the_owner_writes_a_table(database_url: str, role: str) -> None:
    assert await query(database_url, WRITE_PRIVILEGES, role, role) == []
    assert await query(database_url, SEQUENCES, role) == []


async def test_public_executes_nothing(database_url: str) -> None:
    assert await query(database_url, EXECUTABLE_BY_PUBLIC) == []


async def test_a_function_that_is_made_later_is_not_public_either(database_url: str) -> None:
    async with (
        connected(database_url, "topup_owner") as connection,
        connection.transaction(force_rollback=True),
    ):
        await connection.execute("CREATE FUNCTION topup.later() RETURNS int RETURN 1")
        cursor = await connection.execute(EXECUTABLE_BY_PUBLIC)
        assert await cursor.fetchall() == []


async def test_public_reads_nothing(database_url: str) -> None:
    assert (
        await query(
            database_url,
            """
        SELECT c.relname FROM pg_class AS c
        CROSS JOIN LATERAL aclexplode(c.relacl) AS a
        WHERE
            c.relnamespace = ANY (ARRAY['topup', 'audit']::regnamespace[]) AND a.grantee = 0
        """,
        )
        == []
    )
    assert (
        await query(
            database_url,
            """
        SELECT n.nspname FROM pg_namespace AS n CROSS JOIN LATERAL aclexplode(n.nspacl) AS a
        WHERE n.nspname IN ('topup', 'audit') AND a.grantee = 0
        """,
        )
        == []
    )


async def test_the_application_reads_every_table_but_the_raw_bodies(database_url: str) -> None:
    tables = await names(
        database_url,
        "SELECT relname FROM pg_class WHERE oid::regclass::text ~ '^topup' AND relkind = 'r'",
    )
    async with connected(database_url, "topup_app") as connection:
        for table in tables - PRIVATE:
            await connection.execute(SQL("SELECT FROM {}").format(Identifier("topup", table)))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            await connection.execute("SELECT FROM topup.payos_bodies")


async def test_a_write_and_an_inner_function_are_refused_in_practice(
    process: Process, database_url: str
) -> None:
    """The catalog says so above; this is what an intruder with the role would see."""
    attempts: list[LiteralString] = [
        "INSERT INTO topup.wallets (user_id, balance) VALUES (1, 1000000)",
        "UPDATE topup.wallets SET balance = 1000000",
        "UPDATE topup.topups SET status = 'confirmed'",
        "DELETE FROM topup.topups",
        "INSERT INTO topup.events (event_id, type, data, occurred_at) "
        "VALUES (gen_random_uuid(), 'payment.received', '{\"amount\": 1}', now())",
        "SELECT topup.project_event(NULL)",
        "SELECT topup.append_batch('{}')",
        "SELECT nextval('topup.order_codes')",
        "SELECT topup.notify_topup('T00000000', 1)",
        "INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref) "
        "VALUES (1, 1, 1, '', '')",
        "UPDATE topup.stream_leases SET ended = NULL",
        "DELETE FROM topup.stream_leases",
        "TRUNCATE topup.stream_leases",
        "DELETE FROM topup.link_claims",
        "UPDATE topup.login_guesses SET guesses = 0",
        "DELETE FROM topup.login_guesses",
        "SELECT topup.claim_link('T00000000', gen_random_uuid(), 0)",
        "SELECT topup.limit_streams(1, 1, ARRAY[1], 0, 0)",
        "SELECT topup.judge_streams(NULL, NULL, NULL, NULL, 1, 1)",
        "INSERT INTO topup.payos_checks (tx_ref, next_at) VALUES ('T00000000', now())",
        "UPDATE topup.payos_checks SET next_at = now()",
        "DELETE FROM topup.payos_checks",
        "SELECT topup.schedule_check('T00000000', true)",
        "DELETE FROM topup.event_seals",
        "UPDATE topup.checkpoints SET number = 0",
        "UPDATE topup.settling SET settled_id = 0",
        "SELECT topup.settled_event_id()",
        "CREATE TABLE topup.mine ()",
        "SET ROLE topup_owner",
    ]
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("SET SESSION AUTHORIZATION topup_app")
        for attempt in attempts:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(attempt)


async def test_a_door_does_not_look_where_its_caller_says(
    process: Process, database_url: str
) -> None:
    """A caller's temporary objects and search_path must not get into a SECURITY DEFINER body."""
    topup = await process.topup()
    fact = transfer(topup.order_code, 1_000)
    async with connected(database_url, "topup_app") as connection:
        await connection.execute("CREATE TEMP TABLE events (LIKE topup.events)")
        await connection.execute("SET search_path = pg_temp, public")
        cursor = await connection.execute(
            """
            SELECT outcome FROM topup.append_events(
                ARRAY[%s::text], ARRAY[%s::text], ARRAY[NULL::text], ARRAY[%s::text],
                ARRAY['2026-01-01'], ARRAY[NULL::bytea]
            )
            """,
            (str(fact.event_id), fact.type, Jsonb(fact.data)),
        )
        assert await cursor.fetchone() == ("applied",)


async def test_the_auditor_reads_audit_and_nothing_else(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    await process.store.append_events([transfer(topup.order_code, 1_000)])
    assert await names(database_url, FUNCTIONS, "topup", "topup_auditor") == set()
    async with connected(database_url, "topup_auditor") as connection:
        cursor = await connection.execute("SELECT count(*) FROM audit.drift()")
        assert await cursor.fetchone() == (0,)
        cursor = await connection.execute("SELECT received, difference FROM audit.money_equation")
        assert await cursor.fetchone() == (1_000, 0)
        for secret in ("topup.events", "topup.users", "topup.sessions", "topup.payos_bodies"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await connection.execute(
                    SQL("SELECT FROM {}").format(Identifier(*secret.split(".")))
                )
