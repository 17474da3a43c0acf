"""Builds the projections once more, from the log alone, and compares or replaces what is there.

In a schema beside the real one, in one transaction that sees one moment. Nothing of it stays but,
when asked for, the rows of topups, wallets and ledger_entries that were wrong: tables cannot change
places, because functions and views know them by identity.
"""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, IsolationLevel
from psycopg.rows import class_row, scalar_row

from app.database.connecting import connect
from app.database.rebuild_statements import (
    ALONE,
    COUNT,
    DIFFERENCES,
    DRIFT,
    END,
    FOLD,
    FOUND,
    OWNER,
    POST,
    REPLACE,
    SCHEMA,
    STAND_STILL,
    TABLES,
)
from app.database.schema_locks import LOCK_SECONDS_MAX, PAUSE_SECONDS, holders, limit_waiting
from app.errors import ConfigurationError, RebuildFailed

log = logging.getLogger(__name__)

TOPUPS_PER_STEP = 2_000
DIFFERENCES_SHOWN_MAX = 100
ATTEMPTS_MAX = 20
PAUSE_SECONDS_MAX = 1.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that is not what the log says.

    `total`: how many there are; `total_of_ledger`: how many of them are entries of the ledger.
    """

    projection: str
    key: str
    rebuilt: dict[str, Any] | None
    found: dict[str, Any] | None
    total: int
    total_of_ledger: int


async def rebuild(
    database_url: str, progress: Callable[[int, int], None], *, swap: bool
) -> list[Difference]:
    """The differences, at most DIFFERENCES_SHOWN_MAX; with `swap`, the right rows are there now.

    `progress(top-ups folded, of how many)`. Without `swap` nobody waits for it; with it, whoever
    writes does. Raises ConfigurationError, RebuildFailed; then nothing has changed.
    """
    held = ""
    for _ in range(ATTEMPTS_MAX):
        try:
            return await _rebuild(database_url, progress, swap)
        except psycopg.errors.DeadlockDetected:  # with whoever opens a top-up: docs/locking.md
            held = "too many top-ups are opened meanwhile. Run it again, or stop the servers."
            await asyncio.sleep(random.random() * PAUSE_SECONDS_MAX)  # noqa: S311
        except psycopg.errors.LockNotAvailable:
            held = await _held(database_url)
            log.warning("event=rebuild.waits held=%r", held)
            await asyncio.sleep(PAUSE_SECONDS)
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigurationError(
                "DATABASE_URL",
                f"its role may not rebuild ({error.diag.message_primary}).",
                "Connect as the role that migrates.",
            ) from error
        except psycopg.Error as error:
            raise RebuildFailed(f"{error}".strip()) from error
    raise RebuildFailed(held)


async def _held(database_url: str) -> str:
    """Whom it waited for in vain."""
    try:
        async with await connect(database_url, "rebuild") as connection:
            who = await holders(connection)
    except psycopg.Error as error:
        raise RebuildFailed(f"{error}".strip()) from error
    return f"locks were not free within {LOCK_SECONDS_MAX} s: {who}. Wait for them, or end them."


async def _rebuild(
    database_url: str, progress: Callable[[int, int], None], swap: bool
) -> list[Difference]:
    async with snapshot(database_url, swap=swap) as connection:
        await _build(connection, progress)
        await connection.execute(DIFFERENCES)
        async with connection.cursor(row_factory=class_row(Difference)) as cursor:
            await cursor.execute(FOUND, (DIFFERENCES_SHOWN_MAX,))
            differences = await cursor.fetchall()
        if not swap:
            raise psycopg.Rollback
        if differences:
            await connection.execute(REPLACE)
            if await _only(connection, DRIFT):
                raise RebuildFailed("the log itself is damaged: audit.drift() says where.")
        await connection.execute(END)
    return differences


@asynccontextmanager
async def snapshot(database_url: str, *, swap: bool) -> AsyncIterator[AsyncConnection]:
    """A transaction that sees one moment; with `swap`, the last one for as long as it lasts."""
    connection = await connect(database_url, "rebuild")
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    async with connection, connection.transaction():
        await connection.execute(OWNER)
        await connection.execute(ALONE)
        if swap:  # before the first query: what is seen is what stands when the locks are held
            await limit_waiting(connection)
            await connection.execute(STAND_STILL)
        await connection.execute("RESET ROLE")
        await connection.execute(SCHEMA)
        await connection.execute(OWNER)
        await connection.execute(TABLES)
        yield connection


async def _build(connection: AsyncConnection, progress: Callable[[int, int], None]) -> None:
    total, done, last = await _only(connection, COUNT), 0, ""
    while True:
        async with connection.cursor(row_factory=scalar_row) as cursor:
            await cursor.execute(FOLD, (last, TOPUPS_PER_STEP))
            tx_refs = await cursor.fetchall()
        if not tx_refs:
            break
        last, done = tx_refs[-1], done + len(tx_refs)
        progress(done, total)
    await connection.execute(POST)


async def _only(connection: AsyncConnection, query: LiteralString) -> int:
    async with connection.cursor(row_factory=scalar_row) as cursor:
        await cursor.execute(query)
        return int(await cursor.fetchone() or 0)
