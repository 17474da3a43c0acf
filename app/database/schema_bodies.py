"""Whether each function and view of a database is the one in its file."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from app.database.schema_catalog import BODIES, COUNTERPARTS
from app.database.schema_files import SQL_DIR

FOLDERS = {"topup": "functions", "audit": "audit"}
BODY = re.compile(r"^AS \$\$(.*?)\$\$;", re.DOTALL | re.MULTILINE)
VIEW = re.compile(r"^CREATE OR REPLACE VIEW audit\.(\w+.*?;)$", re.DOTALL | re.MULTILINE)


async def foreign_bodies(connection: AsyncConnection[Any], sql_dir: Path = SQL_DIR) -> list[str]:
    """The functions whose body is not, to the letter, the one in their file; by name, in order."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(BODIES)
        return [name for name, body in await cursor.fetchall() if body != _body(name, sql_dir)]


async def foreign_views(connection: AsyncConnection[Any], sql_dir: Path = SQL_DIR) -> list[str]:
    """The views that say something else than their file; by name, in order.

    The view of the file is made beside, as a temporary one that is rolled back, so that the server
    itself spells both. Raises psycopg.errors.InsufficientPrivilege for who may not look into
    schema topup or make temporary tables.
    """
    async with connection.transaction(force_rollback=True):
        await connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        for statement in _views(sql_dir):
            await connection.execute(f"CREATE TEMPORARY VIEW {statement}".encode())
        async with connection.cursor(row_factory=tuple_row) as cursor:
            await cursor.execute(COUNTERPARTS)
            return [name for (name,) in await cursor.fetchall()]


def _views(sql_dir: Path) -> Iterator[str]:
    for path in sorted((sql_dir / FOLDERS["audit"]).glob("*.sql")):
        yield from VIEW.findall(path.read_text("utf-8"))


def _body(function: str, sql_dir: Path) -> str | None:
    schema, _, name = function.partition(".")
    path = sql_dir / FOLDERS[schema] / f"{name}.sql"
    found = BODY.findall(path.read_text("utf-8")) if path.exists() else []
    return found[0] if len(found) == 1 else None
