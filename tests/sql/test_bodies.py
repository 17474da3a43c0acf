"""Bodies of functions, read as PostgreSQL reads them: the runner applies them unread."""

from typing import LiteralString

import pytest

from tests.payments import connected, query

OURS: LiteralString = "ANY (ARRAY['topup', 'audit']::regnamespace[])"
VALIDATE: LiteralString = f"""
    SELECT
        count(fmgr_sql_validator(p.oid)) FILTER (WHERE l.lanname = 'sql'),
        count(plpgsql_validator(p.oid)) FILTER (WHERE l.lanname = 'plpgsql'),
        count(*) FILTER (WHERE l.lanname NOT IN ('sql', 'plpgsql') AND p.prokind <> 'a')
    FROM pg_proc AS p INNER JOIN pg_language AS l ON l.oid = p.prolang
    WHERE p.pronamespace = {OURS}
"""


async def test_every_body_compiles_and_is_in_one_of_two_languages(database_url: str) -> None:
    [(in_sql, in_plpgsql, in_others)] = await query(database_url, VALIDATE)
    assert in_sql > 0
    assert in_plpgsql > 0
    assert in_others == 0


async def test_plpgsql_check_finds_nothing(database_url: str) -> None:
    available = await query(
        database_url, "SELECT FROM pg_available_extensions WHERE name = 'plpgsql_check'"
    )
    if not available:
        pytest.skip("this PostgreSQL has no extension plpgsql_check")
    async with connected(database_url) as connection:
        await connection.execute("CREATE EXTENSION plpgsql_check")
        cursor = await connection.execute(
            f"""
            SELECT p.proname, c.lineno, c.level, c.message, c.detail
            FROM pg_proc AS p
            INNER JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
            LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid
            CROSS JOIN LATERAL plpgsql_check_function_tb(
                p.oid, coalesce(t.tgrelid, 0), all_warnings => true
            ) AS c
            WHERE p.pronamespace = {OURS}
            """
        )
        assert await cursor.fetchall() == []
