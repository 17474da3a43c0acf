"""What processes of the release before rely on is still there once the database is upgraded.

During a rolling deploy they go on working on it: they call doors and select columns.
"""

from typing import LiteralString

from app.database.migrate import migrate
from tests.payments import query
from tests.upgrade.conftest import of_last_release

pytestmark = of_last_release

DOORS: LiteralString = """
    SELECT
        r.rolname, p.oid::regprocedure::text, pg_get_function_arguments(p.oid),
        pg_get_function_result(p.oid)
    FROM pg_proc AS p
    INNER JOIN pg_roles AS r ON r.rolname IN ('topup_app', 'topup_auditor')
    WHERE
        p.pronamespace = ANY (ARRAY['topup', 'audit']::regnamespace[])
        AND has_function_privilege(r.oid, p.oid, 'EXECUTE')
"""
COLUMNS: LiteralString = """
    SELECT r.rolname, c.oid::regclass::text, a.attname, format_type(a.atttypid, a.atttypmod)
    FROM pg_class AS c
    INNER JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    INNER JOIN pg_roles AS r ON r.rolname IN ('topup_app', 'topup_auditor')
    WHERE
        c.relnamespace = ANY (ARRAY['topup', 'audit']::regnamespace[])
        AND CASE
            WHEN c.relkind IN ('r', 'v') THEN has_column_privilege(r.oid, c.oid, a.attnum, 'SELECT')
            ELSE c.relkind = 'c'
        END
"""


async def test_every_door_keeps_its_arguments_and_its_answer(database_url: str) -> None:
    before = set(await query(database_url, DOORS))
    await migrate(database_url)
    assert before - set(await query(database_url, DOORS)) == set()
    assert ("topup_app", "audit.drift()") in {door[:2] for door in before}


async def test_every_column_that_may_be_read_stays_what_it_was(database_url: str) -> None:
    before = set(await query(database_url, COLUMNS))
    await migrate(database_url)
    assert before - set(await query(database_url, COLUMNS)) == set()
    assert ("topup_app", "topup.wallets", "balance", "bigint") in before
