"""Whether each function of a database is the one in its file."""

from pathlib import Path
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import tuple_row

from app.database.schema_catalog import BODIES
from app.database.schema_files import SQL_DIR

FOLDERS = {"topup": "functions", "audit": "audit"}


async def foreign_bodies(connection: AsyncConnection[Any], sql_dir: Path = SQL_DIR) -> list[str]:
    """The functions whose body is in no file of this version, by name, in order."""
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(BODIES)
        return [name for name, body in await cursor.fetchall() if body not in _file(name, sql_dir)]


def _file(function: str, sql_dir: Path) -> str:
    schema, _, name = function.partition(".")
    path = sql_dir / FOLDERS[schema] / f"{name}.sql"
    return path.read_text("utf-8") if path.exists() else ""
