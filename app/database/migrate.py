"""The migration runner: brings a database to the schema files, in one transaction or not at all.

1. `bootstrap.sql`, every time: roles, schemas and `topup.schema_files`.
2. `migrations/NNNN_name.sql` in order, each once. They are never edited.
3. `functions/*.sql` and `audit/*.sql` whose content changed; all of them after a migration, which
   may have dropped what they made. Bodies bind late, so their order hardly matters; a file that
   needs another one (an aggregate its function, a view a view) is tried again as long as others
   succeed.

Before a migration whoever opens, pays or reads a top-up is stopped at its first lock, so that any
table may be changed afterwards, in any order. Locks are not waited for long: payments would wait
behind. All is undone, and tried again later; so it is after a deadlock.

An advisory lock makes concurrent starts wait for each other. There are no down migrations and no
CREATE INDEX CONCURRENTLY. What replaces no more (a changed signature, a deleted file) needs a
migration that drops it.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import AsyncConnection, IsolationLevel
from psycopg.rows import tuple_row

from app.database.connecting import connect
from app.database.schema_apply import apply, apply_in_any_order, bootstrap, forget_deleted
from app.database.schema_files import (
    MIGRATIONS,
    SQL_DIR,
    SchemaFile,
    SchemaFiles,
    read_schema_files,
)
from app.database.schema_locks import (
    LOCK_SECONDS_MAX,
    PAUSE_SECONDS,
    holders,
    limit_waiting,
    stop_topups,
)
from app.errors import ConfigurationError, MigrationError

LOCK_KEY = int.from_bytes(b"napvi")  # of the advisory lock, one per database
PATHS_IN_ERROR = 3
WAIT_SECONDS_MAX = 300.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """The files that ran, in order; empty when the database was up to date."""

    applied: tuple[str, ...]


async def migrate(
    database_url: str,
    report: Callable[[str], None] | None = None,
    *,
    sql_dir: Path = SQL_DIR,
    wait_seconds_max: float = WAIT_SECONDS_MAX,
) -> MigrationResult:
    """Applies what is missing; `report` hears of each file, and of whoever is waited for.

    Raises MigrationError when files and database do not fit, a file fails, or somebody was in the
    way for `wait_seconds_max`; ConfigurationError when the database cannot be reached or its role
    may not do this. Then nothing has changed.
    """
    files = read_schema_files(sql_dir)
    tell = report or _unheard
    deadline = time.monotonic() + wait_seconds_max
    while True:
        try:
            async with await _connect(database_url) as connection:
                return MigrationResult(await _apply(connection, files, tell))
        except psycopg.errors.LockNotAvailable:
            held = await _held(database_url)
        except psycopg.errors.DeadlockDetected:
            held = "It was in a deadlock with others."
        except psycopg.Error as error:  # the connection broke, or a deferred constraint at COMMIT
            raise _failed(error) from error
        if time.monotonic() + PAUSE_SECONDS > deadline:
            raise MigrationError(f"{held} Nothing was changed. Wait for them, or end them.")
        log.info("event=migrate.waits held=%r", held)
        tell(f"{held} All is undone, and tried again in {PAUSE_SECONDS} s.")
        await asyncio.sleep(PAUSE_SECONDS)


async def _apply(
    connection: AsyncConnection, files: SchemaFiles, report: Callable[[str], None]
) -> tuple[str, ...]:
    applied: list[str] = []

    def note(file: SchemaFile) -> None:
        applied.append(file.path)
        log.info("event=migrate.applied path=%s", file.path)
        report(file.path)

    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        await bootstrap(connection, files.bootstrap)
        await limit_waiting(connection)
        recorded = await _recorded(connection)
        _refuse_misfit(files, recorded)
        migrations = [file for file in files.migrations if file.path not in recorded]
        if migrations:
            await stop_topups(connection)
        for file in migrations:
            await apply(connection, file)
            note(file)
        outdated = _outdated(files.replaceable, {} if migrations else recorded)
        await apply_in_any_order(connection, outdated, note)
        await forget_deleted(connection, (*files.migrations, *files.replaceable))
    return tuple(applied)


async def _held(database_url: str) -> str:
    """Why it could not go on, in a sentence."""
    try:
        async with await _connect(database_url) as connection:
            who = await holders(connection)
    except psycopg.Error as error:
        raise _failed(error) from error
    return f"Locks were not free within {LOCK_SECONDS_MAX} s: {who}."


def _failed(error: psycopg.Error) -> MigrationError:
    return MigrationError(f"The migration failed and changed nothing: {error}")


def _unheard(_line: str) -> None:
    pass


async def check(
    database: str | AsyncConnection[object],
    *,
    sql_dir: Path = SQL_DIR,
    reads_audit_only: bool = False,
) -> None:
    """Raises MigrationError, with the remedy, when the database is not what the code needs, and
    ConfigurationError when the role may not see what it is. With `reads_audit_only` it need not:
    an auditor may not.

    Meant for the start of a process: while a newer version is being rolled out, the older
    processes that still run would fail it.
    """
    if isinstance(database, str):
        async with await _connect(database) as connection:
            await check(connection, sql_dir=sql_dir, reads_audit_only=reads_audit_only)
        return
    files = read_schema_files(sql_dir)
    try:
        recorded = await _recorded(database)
    except psycopg.errors.InsufficientPrivilege as error:
        if reads_audit_only:
            return
        raise ConfigurationError(
            "DATABASE_URL",
            f"role {database.info.user} may not do this ({error.diag.message_primary}).",
            "Connect as a role of the application; an auditor has audit, export and checkpoint "
            "verify.",
        ) from error
    _refuse_misfit(files, recorded)
    if outdated := _outdated((*files.migrations, *files.replaceable), recorded):
        raise MigrationError(
            f"The database is behind the code: {_listed([file.path for file in outdated])}. "
            "Run `python -m app migrate`."
        )


async def _connect(database_url: str) -> AsyncConnection:
    connection = await connect(database_url, "migrate")
    # Who waited for the lock has to see what the one before did.
    await connection.set_isolation_level(IsolationLevel.READ_COMMITTED)
    return connection


async def _recorded(connection: AsyncConnection[object]) -> dict[str, bytes]:
    async with connection.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute("SELECT to_regclass('topup.schema_files') IS NOT NULL")
        if await cursor.fetchone() != (True,):
            return {}
        await cursor.execute("SELECT path, sha256 FROM topup.schema_files")
        return {path: sha256 for path, sha256 in await cursor.fetchall()}


def _refuse_misfit(files: SchemaFiles, recorded: Mapping[str, bytes]) -> None:
    known = {file.path: file.sha256 for file in files.migrations}
    applied = {path: sha for path, sha in recorded.items() if path.startswith(f"{MIGRATIONS}/")}
    if ahead := sorted(applied.keys() - known.keys()):
        raise MigrationError(
            f"The database is ahead of the code: it has {_listed(ahead)}. Deploy the newer code."
        )
    if edited := sorted(path for path, sha in applied.items() if sha != known[path]):
        raise MigrationError(
            f"{_listed(edited)} was edited after it had been applied. Restore it, and write the "
            "change as a new migration."
        )


def _outdated(files: Sequence[SchemaFile], recorded: Mapping[str, bytes]) -> list[SchemaFile]:
    return [file for file in files if recorded.get(file.path) != file.sha256]


def _listed(paths: Sequence[str]) -> str:
    more = len(paths) - PATHS_IN_ERROR
    return ", ".join(paths[:PATHS_IN_ERROR]) + (f" and {more} more" if more > 0 else "")
