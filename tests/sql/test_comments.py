"""What the database says about itself to somebody who has psql and no files."""

from typing import LiteralString

from tests.payments import query

OURS: LiteralString = "ANY (ARRAY['topup', 'audit']::regnamespace[])"


async def test_every_table_view_type_sequence_and_column_is_described(database_url: str) -> None:
    assert (
        await query(
            database_url,
            f"""
        SELECT c.relname FROM pg_class AS c
        WHERE
            c.relnamespace = {OURS} AND c.relkind IN ('r', 'p', 'v')
            AND obj_description(c.oid, 'pg_class') IS NULL
        UNION ALL
        SELECT t.typname FROM pg_type AS t INNER JOIN pg_class AS c ON c.oid = t.typrelid
        WHERE
            c.relnamespace = {OURS} AND c.relkind = 'c'
            AND obj_description(t.oid, 'pg_type') IS NULL
        UNION ALL
        SELECT c.relname FROM pg_class AS c
        WHERE
            c.relnamespace = {OURS} AND c.relkind = 'S'
            AND obj_description(c.oid, 'pg_class') IS NULL
            AND NOT EXISTS (
                SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'i'
            )
        UNION ALL
        SELECT c.relname || '.' || a.attname FROM pg_class AS c
        INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        WHERE
            c.relnamespace = {OURS} AND c.relkind IN ('r', 'p', 'v')
            AND col_description(c.oid, a.attnum) IS NULL
        """,
        )
        == []
    )


async def test_every_function_of_the_auditor_is_described(database_url: str) -> None:
    """The others have the header of their file, and are called by code alone."""
    assert (
        await query(
            database_url,
            """
        SELECT p.proname FROM pg_proc AS p
        WHERE
            p.pronamespace = 'audit'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
        """,
        )
        == []
    )
