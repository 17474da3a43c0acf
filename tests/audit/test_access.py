"""An accountant's login reads the schema audit and nothing else: by the catalog, and by trying."""

from typing import LiteralString

import psycopg
import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier, Literal

from tests.audit.conftest import LOGIN
from tests.payments import connected, query

RELATIONS: LiteralString = """
    SELECT c.relname FROM pg_class AS c
    WHERE c.relnamespace = %s::regnamespace AND c.relkind = ANY (%s)
"""
FUNCTIONS: LiteralString = """
    SELECT p.oid::regprocedure::text FROM pg_proc AS p
    WHERE p.pronamespace = %s::regnamespace AND has_function_privilege(%s, p.oid, 'EXECUTE')
"""
COLUMNS: LiteralString = """
    SELECT DISTINCT c.oid::regclass::text FROM pg_class AS c
    WHERE
        c.relnamespace = 'topup'::regnamespace
        AND c.relkind IN ('r', 'v', 'm', 'p')
        AND (
            has_any_column_privilege(%s, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')
            OR has_table_privilege(
                %s, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'
            )
        )
"""
DENIED = psycopg.errors.InsufficientPrivilege
ATTEMPTS: list[LiteralString] = [
    "SELECT topup.append_events('{}', '{}', '{}', '{}', '{}', '{}')",
    "SELECT topup.assign_suspense(NULL, NULL, NULL, NULL)",
    "SELECT topup.register_user('me', 'x')",
    "SELECT topup.next_state(NULL, NULL)",
    "SELECT nextval('topup.order_codes')",
    "SELECT last_value FROM topup.events_id_seq",
    "SELECT NULL::topup.users",
    "CREATE TABLE audit.mine ()",
    "CREATE VIEW audit.mine AS SELECT 1",
    "CREATE FUNCTION audit.mine() RETURNS int RETURN 1",
    "CREATE TABLE topup.mine ()",
    "CREATE TABLE public.mine ()",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine",
    "DROP VIEW audit.events",
    "COMMENT ON VIEW audit.events IS 'mine'",
    "INSERT INTO audit.topups (tx_ref) VALUES ('T0000000Z')",
    "UPDATE audit.topups SET amount = 1",
    "DELETE FROM audit.topups",
    "SET ROLE topup_owner",
    "SET ROLE topup_app",
    "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "COPY (SELECT 1) TO PROGRAM 'true'",
]
STATEMENTS: list[LiteralString] = [
    "SELECT FROM {}",
    "INSERT INTO {} DEFAULT VALUES",
    "DELETE FROM {}",
    "TRUNCATE {}",
]


async def test_every_view_and_function_of_audit_is_open_to_it(
    auditor: AsyncConnection, history_url: str
) -> None:
    for (view,) in await query(history_url, RELATIONS, "audit", ["v"]):
        await auditor.execute(SQL("SELECT * FROM {}").format(Identifier("audit", view)))
    for call in ("drift()", "wallet_at(1, now())", "export_horizon(1)"):
        await auditor.execute(f"SELECT * FROM audit.{call}")
    everything = await query(
        history_url, "SELECT count(*) FROM pg_proc WHERE pronamespace = 'audit'::regnamespace"
    )
    assert everything == [(len(await query(history_url, FUNCTIONS, "audit", LOGIN)),)]


async def test_the_catalog_gives_it_nothing_of_topup(
    auditor: AsyncConnection, history_url: str
) -> None:
    assert await query(history_url, COLUMNS, LOGIN, LOGIN) == []
    assert await query(history_url, FUNCTIONS, "topup", LOGIN) == []
    assert await query(
        history_url,
        """
        SELECT
            has_schema_privilege(%s, 'topup', 'USAGE, CREATE'),
            has_schema_privilege(%s, 'audit', 'USAGE'),
            has_schema_privilege(%s, 'audit', 'CREATE')
        """,
        LOGIN,
        LOGIN,
        LOGIN,
    ) == [(False, True, False)]


async def test_no_table_or_sequence_of_topup_can_be_read_or_written(
    auditor: AsyncConnection, history_url: str
) -> None:
    tables = await query(history_url, RELATIONS, "topup", ["r", "S"])
    assert {"events", "users", "sessions", "payos_bodies"} <= {name for (name,) in tables}
    for (table,) in tables:
        for statement in STATEMENTS:
            with pytest.raises(DENIED):
                await auditor.execute(SQL(statement).format(Identifier("topup", table)))


async def test_an_intruder_with_the_login_is_refused(auditor: AsyncConnection) -> None:
    for attempt in ATTEMPTS:
        with pytest.raises(DENIED):
            await auditor.execute(attempt)


async def test_the_statistics_of_the_tables_tell_it_nothing(
    auditor: AsyncConnection, history_url: str
) -> None:
    """They hold samples of the columns."""
    async with connected(history_url) as superuser:
        await superuser.execute("ANALYZE topup.users")
    cursor = await auditor.execute("SELECT FROM pg_stats WHERE schemaname = 'topup'")
    assert await cursor.fetchall() == []


async def test_nothing_about_payers_is_in_any_view(
    auditor: AsyncConnection, history_url: str
) -> None:
    """The webhooks of the history name a payer, an account and a text; so do the raw bodies."""
    private = ("BÍCH", "9876543210", "CSED51ZGP85", "an.le", "no hash")
    bodies = await query(history_url, "SELECT convert_from(raw, 'UTF8') FROM topup.payos_bodies")
    assert all("9876543210" in body for (body,) in bodies)
    for (view,) in await query(history_url, RELATIONS, "audit", ["v"]):
        rows = SQL("SELECT v::text FROM {} AS v").format(Identifier("audit", view))
        for (row,) in await (await auditor.execute(rows)).fetchall():
            assert not [word for word in private if word in row], view
    found = SQL("SELECT count(*) FROM audit.events WHERE data::text LIKE {}").format(
        Literal("%FT%")
    )
    assert await (await auditor.execute(found)).fetchone() != (0,), "the log is not empty"
