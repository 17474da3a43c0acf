"""Running schema files on a connection, inside the transaction of the migration runner."""

from collections.abc import Callable, Sequence

import psycopg
from psycopg import AsyncConnection

from app.database.schema_files import SchemaFile
from app.errors import ConfigurationError, MigrationError


async def bootstrap(connection: AsyncConnection, file: SchemaFile) -> None:
    """Ends as topup_owner, who then owns what the other files make.

    Raises ConfigurationError when the connecting role may not do this.
    """
    try:
        await connection.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        await connection.execute(file.content)
        await connection.execute("SET LOCAL ROLE topup_owner")
    except psycopg.errors.InsufficientPrivilege as error:
        raise ConfigurationError(
            "DATABASE_URL",
            f"role {connection.info.user} may not prepare the database "
            f"({error.diag.message_primary}).",
            "Connect as a superuser, or as a role with CREATEROLE, CREATE on the database, and "
            "topup_owner, topup_app and topup_auditor granted to it if they exist already.",
        ) from error
    await connection.execute("SET LOCAL check_function_bodies = off")


async def apply(connection: AsyncConnection, file: SchemaFile) -> None:
    """Runs `file` and records it.

    Raises MigrationError that names the line, psycopg.errors.LockNotAvailable, DeadlockDetected.
    """
    try:
        await connection.execute(file.content)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        raise  # it is not the file that has to be mended
    except psycopg.Error as error:
        raise MigrationError(_described(file, error)) from error
    await connection.execute(
        """
        INSERT INTO topup.schema_files (path, sha256) VALUES (%s, %s)
        ON CONFLICT (path)
        DO UPDATE SET sha256 = excluded.sha256, applied_at = excluded.applied_at
        """,
        (file.path, file.sha256),
    )


async def apply_in_any_order(
    connection: AsyncConnection, files: Sequence[SchemaFile], note: Callable[[SchemaFile], None]
) -> None:
    """Applies `files`, and those that fail again as long as others succeed; `note` hears of each.

    Raises the first failure that is left.
    """
    while files:
        failures: list[tuple[SchemaFile, MigrationError]] = []
        for file in files:
            try:
                async with connection.transaction():  # a savepoint
                    await apply(connection, file)
            except MigrationError as error:
                failures.append((file, error))
            else:
                note(file)
        if len(failures) == len(files):
            raise failures[0][1]
        files = [file for file, _ in failures]


async def forget_deleted(connection: AsyncConnection, files: Sequence[SchemaFile]) -> None:
    """Keeps the record of `files` only, so that a file that comes back is applied again."""
    paths = [file.path for file in files]
    await connection.execute("DELETE FROM topup.schema_files WHERE path <> ALL (%s)", (paths,))


def _described(file: SchemaFile, error: psycopg.Error) -> str:
    position = int(error.diag.statement_position or 1)
    line = file.content.decode()[: position - 1].count("\n") + 1
    hint = f" {error.diag.message_hint}" if error.diag.message_hint else ""
    message = error.diag.message_primary or str(error)
    return f"sql/{file.path}, line {line}: {message} (SQLSTATE {error.sqlstate}).{hint}"
