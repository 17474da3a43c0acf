"""The schema as files: `sql/bootstrap.sql`, `migrations/`, `functions/` and `audit/`."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from app.errors import MigrationError

SQL_DIR = Path(__file__).resolve().parents[2] / "sql"
MIGRATIONS = "migrations"
REPLACEABLE = ("functions", "audit")  # in this order: views call functions
MIGRATION_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """`path` is relative to sql/, with slashes: it names the file in topup.schema_files."""

    path: str
    content: bytes

    @property
    def sha256(self) -> bytes:
        return hashlib.sha256(self.content).digest()


@dataclass(frozen=True, slots=True)
class SchemaFiles:
    """Everything below sql/, in the order in which it is applied."""

    bootstrap: SchemaFile
    migrations: tuple[SchemaFile, ...]
    replaceable: tuple[SchemaFile, ...]


def read_schema_files(sql_dir: Path = SQL_DIR) -> SchemaFiles:
    """Raises MigrationError unless the migrations are numbered 0001, 0002, 0003 …"""
    migrations = _read(sql_dir, MIGRATIONS)
    for expected, file in enumerate(migrations, start=1):
        name = MIGRATION_NAME.fullmatch(file.path.removeprefix(f"{MIGRATIONS}/"))
        if name is None or int(name[1]) != expected:
            raise MigrationError(
                f"sql/{file.path} has to be number {expected:04d}, in the form "
                f"{expected:04d}_name.sql: no number may be missing or used twice."
            )
    return SchemaFiles(
        SchemaFile("bootstrap.sql", (sql_dir / "bootstrap.sql").read_bytes()),
        migrations,
        tuple(file for folder in REPLACEABLE for file in _read(sql_dir, folder)),
    )


def _read(sql_dir: Path, folder: str) -> tuple[SchemaFile, ...]:
    paths = sorted((sql_dir / folder).glob("*.sql"))
    return tuple(SchemaFile(f"{folder}/{path.name}", path.read_bytes()) for path in paths)
