"""sql/schema.txt is the schema, and `python -m app schema --check` sees who changed it by hand."""

from typing import LiteralString

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from app.commands.schema import GOLDEN
from app.database.schema_files import SQL_DIR
from app.database.schema_text import read_schema, schema_text
from app.errors import ConfigurationError
from tests.payments import connected
from tests.postgres import Postgres
from tests.services import Process

BY_HAND: dict[str, LiteralString] = {
    "a column": "ALTER TABLE topup.wallets ADD COLUMN note text",
    "the type of a column": "ALTER TABLE topup.link_claims ALTER COLUMN tx_ref TYPE varchar",
    "a default": "ALTER TABLE topup.wallets ALTER COLUMN balance SET DEFAULT 1",
    "a null": "ALTER TABLE topup.events ALTER COLUMN data DROP NOT NULL",
    "a check": "ALTER TABLE topup.wallets DROP CONSTRAINT wallets_balance_check",
    "an index": "DROP INDEX topup.events_for_review",
    "a trigger": "DROP TRIGGER events_before_change ON topup.events",
    "a trigger that is off": "ALTER TABLE topup.events DISABLE TRIGGER events_before_change",
    "a grant": "GRANT UPDATE ON topup.wallets TO topup_app",
    "a grant on a column": "GRANT UPDATE (balance) ON topup.wallets TO topup_app",
    "a grant to everybody": "GRANT EXECUTE ON FUNCTION topup.append_batch TO PUBLIC",
    "a door": "ALTER FUNCTION topup.append_batch SECURITY DEFINER",
    "a search_path": "ALTER FUNCTION topup.append_batch RESET search_path",
    "a setting": "ALTER FUNCTION topup.append_batch SET work_mem = '1GB'",
    "a function": "CREATE FUNCTION audit.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "what an aggregate does": """
        CREATE FUNCTION public.as_found(topup.topups, topup.events) RETURNS topup.topups
        LANGUAGE sql AS 'SELECT t FROM topup.topups AS t WHERE t.tx_ref = ($2).tx_ref';
        CREATE OR REPLACE AGGREGATE topup.fold(topup.events) (
            SFUNC = public.as_found, STYPE = topup.topups
        )
    """,
    "a sequence": "ALTER SEQUENCE topup.order_codes CYCLE",
    "a comment": "COMMENT ON COLUMN topup.wallets.balance IS 'In xu.'",
    "an unlogged table": "ALTER TABLE topup.payos_checks SET UNLOGGED",
    "a fill factor": "ALTER TABLE topup.wallets RESET (fillfactor)",
    "a rule": "CREATE RULE lost AS ON INSERT TO topup.events DO INSTEAD NOTHING",
    "hidden rows": "ALTER TABLE topup.topups ENABLE ROW LEVEL SECURITY",
    "a table with rows of the log": "CREATE TABLE public.more () INHERITS (topup.events)",
    "a table through which the log is written": """
        CREATE TABLE public.above (event_id uuid NOT NULL);
        ALTER TABLE topup.events INHERIT public.above
    """,
    "ids that a session sets aside": "ALTER SEQUENCE topup.events_id_seq CACHE 50",
    "order codes that a session sets aside": "ALTER SEQUENCE topup.order_codes CACHE 50",
    "ids that go down": "ALTER SEQUENCE topup.ledger_entries_id_seq INCREMENT -1",
    "a grant on ids": "GRANT UPDATE ON SEQUENCE topup.events_id_seq TO topup_app",
    "a role": "COMMENT ON ROLE topup_auditor IS 'Anybody.'",
}
BACK_DOOR = """
    CREATE OR REPLACE FUNCTION topup.refuse_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NEW; END'
"""

NOTHING_AMISS = """
    CREATE OR REPLACE VIEW audit.unbalanced AS
    SELECT l.event_id, count(*) AS entries, sum(l.amount) AS sum
    FROM topup.ledger_entries AS l
    GROUP BY l.event_id
    HAVING sum(l.amount) <> sum(l.amount)
"""


def check(url: str) -> tuple[int, str]:
    process = Process({"DATABASE_URL": url}, "schema", "--check")
    try:
        return process.wait(), process.output
    finally:
        process.close()


async def test_the_golden_schema_is_that_of_a_new_database(database_url: str) -> None:
    found = await read_schema(database_url)
    assert found.text == GOLDEN.read_text("utf-8"), "run `make golden`"
    assert found.foreign == []


async def test_whatever_is_changed_by_hand_is_told(database_url: str) -> None:
    unseen = []
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        golden = await schema_text(connection)
        for what, statement in BY_HAND.items():
            await connection.execute(statement)
            if await schema_text(connection) == golden:
                unseen.append(what)
            await connection.rollback()
    assert unseen == []


async def test_an_operator_sees_what_was_changed(database_url: str) -> None:
    assert check(database_url) == (0, "The database has the schema of this version.\n")
    async with connected(database_url) as connection:
        await connection.execute("DROP INDEX topup.events_for_review")
        await connection.execute(BACK_DOOR)
    code, told = check(database_url)
    assert code == 1
    assert "-    events_for_review  INDEX btree" in told
    assert "topup.refuse_change has another body than in its file" in told


async def test_a_proof_that_was_shortened_has_another_body(database_url: str) -> None:
    """Every line that is left of it is a line of its file."""
    file = (SQL_DIR / "functions" / "seal_findings.sql").read_text("utf-8")
    head, body, end = file.split("$$")
    shorter = body.rpartition("    UNION ALL")[0]
    async with connected(database_url) as connection:
        await connection.execute(f"{head}$${shorter}$${end}".encode())
    assert (await read_schema(database_url)).foreign == ["topup.seal_findings"]


@pytest.mark.parametrize("role", ["postgres", "topup_owner", "topup_app"])
async def test_a_view_that_says_something_else_is_told(database_url: str, role: str) -> None:
    as_role = make_conninfo(database_url, options=f"-c role={role}")
    async with connected(database_url) as connection:
        await connection.execute(NOTHING_AMISS)
    found = await read_schema(as_role)
    assert (found.text, found.foreign) == (GOLDEN.read_text("utf-8"), ["audit.unbalanced"])


async def test_who_may_not_see_the_tables_is_told_that_the_views_were_not_compared(
    database_url: str,
) -> None:
    code, told = check(make_conninfo(database_url, options="-c role=topup_auditor"))
    assert (code, told.splitlines()[1:]) == (0, ["The database has the schema of this version."])
    assert told.startswith("The text of the views was not compared (permission denied for schema")


async def test_a_database_that_is_away_is_no_different_schema(postgres: Postgres) -> None:
    with pytest.raises(ConfigurationError):
        await read_schema(postgres.url("nowhere"))
