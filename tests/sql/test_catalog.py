"""The house style of the schema, held by its files and by the catalog of the database."""

import re
from pathlib import Path
from typing import Any, LiteralString

import pytest

from tests.payments import query

SQL = Path(__file__).parents[2] / "sql"
FUNCTION_FILES = sorted((SQL / "functions").glob("*.sql"))
AUDIT_FILES = sorted((SQL / "audit").glob("*.sql"))
REPLACEABLE = [*FUNCTION_FILES, *AUDIT_FILES]
MIGRATIONS = sorted((SQL / "migrations").glob("*.sql"))

LINES_MAX = 70
COLUMNS_MAX = 100
DEFINITION = re.compile(r"^CREATE OR REPLACE (FUNCTION|AGGREGATE|VIEW) (\w+)\.(\w+)", re.MULTILINE)
HEADER = re.compile(
    r"-- (?P<name>\w+): .+\n(?:--  .+\n)*"
    r"-- Raises:   .+\n(?:--  .+\n)*"
    r"-- Locks:    .+\n(?:--  .+\n)*"
    r"-- Notifies: .+\n(?:--  .+\n)*"
    r"-- Why(?: a door)?: .+\n(?:--  .+\n)*"
    r"CREATE OR REPLACE "
)
RAISE = re.compile(r"RAISE EXCEPTION\s+(?P<message>'[^']*')(?P<using>[^;]*);")
RAISES = re.compile(r"^-- Raises: (?P<told>.*?)^-- Locks: ", re.MULTILINE | re.DOTALL)
NEEDS_NO_DETAIL = {"TU009", "TU017"}
"""What was refused is that nothing was given."""

OURS: LiteralString = "ANY (ARRAY['topup', 'audit']::regnamespace[])"
FLOATS_AND_LOCAL_TIMES = ["real", "double precision", "money", "timestamp without time zone"]

file = pytest.mark.parametrize("path", REPLACEABLE, ids=lambda path: path.stem)


async def functions(url: str, condition: LiteralString = "true") -> set[Any]:
    rows = await query(
        url,
        "SELECT p.pronamespace::regnamespace || '.' || p.proname FROM pg_proc AS p "
        f"WHERE p.pronamespace = {OURS} AND ({condition})",
    )
    return {name for (name,) in rows}


async def test_each_function_and_view_has_its_file_and_each_file_its_object(
    database_url: str,
) -> None:
    views = await query(
        database_url,
        f"SELECT oid::regclass::text FROM pg_class WHERE relnamespace = {OURS} AND relkind = 'v'",
    )
    files = {f"topup.{path.stem}" for path in FUNCTION_FILES}
    files |= {f"audit.{path.stem}" for path in AUDIT_FILES}
    assert files == await functions(database_url) | {name for (name,) in views}


@file
def test_a_file_defines_one_object_of_its_own_name(path: Path) -> None:
    schema = "topup" if path in FUNCTION_FILES else "audit"
    defined = DEFINITION.findall(path.read_text("utf-8"))
    assert [(where, name) for _, where, name in defined] == [(schema, path.stem)]


@file
def test_a_file_says_what_it_raises_locks_and_notifies_and_why(path: Path) -> None:
    text = path.read_text("utf-8")
    if "CREATE OR REPLACE VIEW" in text:
        assert text.startswith(f"-- {path.stem}: ")
        return
    header = HEADER.match(text)
    assert header is not None
    assert header["name"] == path.stem


@file
def test_a_file_is_short_and_narrow(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    assert len(lines) <= LINES_MAX
    assert max(map(len, lines)) <= COLUMNS_MAX


@file
def test_every_error_has_a_code_a_constant_text_and_the_key_at_fault(path: Path) -> None:
    text = path.read_text("utf-8")
    raised = list(RAISE.finditer(text))
    assert len(raised) == text.count("RAISE EXCEPTION")
    for found in raised:
        assert "%" not in found["message"]
        code = re.search(r"ERRCODE = '(TU\d{3})'", found["using"])
        assert code is not None
        assert "DETAIL = " in found["using"] or code[1] in NEEDS_NO_DETAIL
        header = RAISES.search(text)
        assert header is not None
        assert code[1] in header["told"]


@file
def test_a_file_names_the_columns_it_reads(path: Path) -> None:
    assert not re.search(r"SELECT\s+(DISTINCT\s+)?(\w+\.)?\*", path.read_text("utf-8"))


@pytest.mark.parametrize("path", MIGRATIONS, ids=lambda path: path.stem)
def test_a_migration_makes_nothing_that_is_replaced(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("-- "), "its first lines say why"
    # It drops what is replaced no more: an old signature.
    assert not re.search(r"(?<!DROP )\b(FUNCTION|PROCEDURE|AGGREGATE|TRIGGER|VIEW)\b|\$\$", text)


async def test_no_function_has_two_signatures(database_url: str) -> None:
    assert (
        await query(
            database_url,
            f"""
        SELECT p.proname FROM pg_proc AS p WHERE p.pronamespace = {OURS}
        GROUP BY p.pronamespace, p.proname HAVING count(*) > 1
        """,
        )
        == []
    )


async def test_no_parameter_has_a_default(database_url: str) -> None:
    assert await functions(database_url, "p.pronargdefaults > 0") == set()


async def test_every_function_pins_its_search_path(database_url: str) -> None:
    assert (
        await functions(
            database_url,
            """
        p.prokind <> 'a'
        AND 'search_path=pg_catalog, pg_temp' <> ALL (coalesce(p.proconfig, '{}'))
        """,
        )
        == set()
    )


async def test_doors_and_nothing_else_run_as_the_owner(database_url: str) -> None:
    """A door is what another role may call and what writes (VOLATILE), or reads for an auditor."""
    doors = """
        (
            has_function_privilege('topup_app', p.oid, 'EXECUTE')
            OR has_function_privilege('topup_auditor', p.oid, 'EXECUTE')
        )
        AND (p.provolatile = 'v' OR p.pronamespace = 'audit'::regnamespace)
    """
    assert await functions(database_url, "p.prosecdef") == await functions(database_url, doors)


async def test_no_function_builds_sql_from_text(database_url: str) -> None:
    assert await functions(database_url, r"p.prosrc ~* '\mexecute\M'") == set()


async def test_parameters_are_told_from_columns_by_their_names(database_url: str) -> None:
    assert (
        await functions(
            database_url,
            """
        EXISTS (
            SELECT FROM unnest(p.proargnames, p.proargmodes::text[]) AS a (name, mode)
            WHERE coalesce(a.mode, 'i') = 'i' AND a.name !~ '^p_'
        )
        """,
        )
        == set()
    )


async def test_only_seconds_are_floating(database_url: str) -> None:
    assert (
        await query(
            database_url,
            f"""
        SELECT c.relname, a.attname FROM pg_attribute AS a
        INNER JOIN pg_class AS c ON c.oid = a.attrelid
        WHERE c.relnamespace = {OURS} AND format_type(a.atttypid, NULL) = ANY (%s)
        """,
            FLOATS_AND_LOCAL_TIMES,
        )
        == []
    )
    assert (
        await query(
            database_url,
            f"""
        SELECT p.proname, a.name
        FROM pg_proc AS p
        CROSS JOIN LATERAL unnest(
            coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargnames
        ) AS a (type, name)
        WHERE
            p.pronamespace = {OURS}
            AND format_type(a.type, NULL) = ANY (%s) AND a.name !~ '_seconds$'
        """,
            FLOATS_AND_LOCAL_TIMES,
        )
        == []
    )


async def test_every_table_has_a_primary_key(database_url: str) -> None:
    assert (
        await query(
            database_url,
            f"""
        SELECT c.relname FROM pg_class AS c
        WHERE
            c.relnamespace = {OURS} AND c.relkind IN ('r', 'p')
            AND NOT EXISTS (
                SELECT FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype = 'p'
            )
        """,
        )
        == []
    )
