"""The database of an earlier release, with data, brought to this version."""

from typing import Any, LiteralString

from psycopg.sql import SQL, Identifier

from app.commands.schema import GOLDEN
from app.database.migrate import check, migrate
from app.database.schema_files import read_schema_files
from app.database.schema_text import read_schema
from tests.payers import payers
from tests.payments import connected, drift, query

TABLES: LiteralString = """
    SELECT c.relname, array_agg(a.attname ORDER BY a.attnum)
    FROM pg_class AS c
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE
        c.relnamespace = 'topup'::regnamespace AND c.relkind = 'r' AND c.relname <> 'schema_files'
    GROUP BY c.relname
"""
BODIES: LiteralString = """
    SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid) FROM pg_proc AS p
    WHERE p.pronamespace = ANY (ARRAY['topup', 'audit']::regnamespace[]) AND p.prokind = 'f'
    UNION ALL
    SELECT v.oid::regclass::text, pg_get_viewdef(v.oid) FROM pg_class AS v
    WHERE v.relnamespace = 'audit'::regnamespace AND v.relkind = 'v'
"""
BALANCES: LiteralString = "SELECT user_id, balance, version FROM topup.wallets ORDER BY user_id"
EQUATION: LiteralString = (
    "SELECT received, in_wallets, in_suspense, difference FROM audit.money_equation"
)
LAST_CODE: LiteralString = "SELECT last_value FROM topup.order_codes"
Contents = dict[str, list[tuple[Any, ...]]]


async def contents(url: str, columns: dict[str, list[str]]) -> Contents:
    """The rows of each table, by these columns only: a later version may have more."""
    found: Contents = {}
    async with connected(url) as connection:
        for table, names in columns.items():
            values = SQL(", ").join(map(Identifier, names))
            rows = SQL("SELECT {} FROM {} AS r ORDER BY r::text").format(
                values, Identifier("topup", table)
            )
            found[table] = await (await connection.execute(rows)).fetchall()
    return found


async def test_nothing_is_lost_on_the_way_to_this_version(database_url: str) -> None:
    columns = dict(await query(database_url, TABLES))
    before = await contents(database_url, columns)
    books = [await query(database_url, text) for text in (BALANCES, EQUATION, LAST_CODE)]
    assert all(before.values()), "the database of a release has rows in every table"

    await migrate(database_url)

    assert await contents(database_url, columns) == before
    assert [await query(database_url, text) for text in (BALANCES, EQUATION, LAST_CODE)] == books
    assert await drift(database_url) == []


async def test_it_becomes_what_a_new_database_is(database_url: str, fresh_url: str) -> None:
    applied = (await migrate(database_url)).applied
    assert (await read_schema(database_url)).text == GOLDEN.read_text("utf-8")
    assert sorted(await query(database_url, BODIES)) == sorted(await query(fresh_url, BODIES))

    files = read_schema_files()
    recorded = await query(database_url, "SELECT path, sha256 FROM topup.schema_files")
    known = {file.path: file.sha256 for file in (*files.migrations, *files.replaceable)}
    assert dict(recorded) == known
    assert len(set(applied)) == len(applied)


async def test_the_second_migration_changes_nothing(database_url: str) -> None:
    await migrate(database_url)
    once = await query(database_url, "SELECT path, applied_at FROM topup.schema_files")
    assert (await migrate(database_url)).applied == ()
    assert await query(database_url, "SELECT path, applied_at FROM topup.schema_files") == once
    await check(database_url)


async def test_nobody_who_opens_and_pays_fails_meanwhile(database_url: str) -> None:
    async with payers(database_url):
        assert (await migrate(database_url)).applied
    await check(database_url)
