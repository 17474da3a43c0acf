"""A connection pool whose work no client can cancel.

A browser that goes away cancels its request's task. On Python 3.11 a task that is cancelled while
it waits for a pooled connection can lose that connection for good, so every piece of work runs
in a task of its own, shielded from its caller.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Coroutine, Sequence
from types import MappingProxyType
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import AsyncConnection
from psycopg.rows import AsyncRowFactory, kwargs_row, scalar_row
from psycopg_pool import PoolClosed, PoolTimeout

from app.database.connections import Connections
from app.database.session import session_statement
from app.errors import (
    ConfigurationError,
    DatabaseUnavailable,
    IdempotencyInFlight,
    IdempotencyMismatch,
    Problem,
    TopupNotFound,
    UsernameTaken,
)
from app.settings import Settings
from app.tcp import LIVELINESS, Patience, patience

log = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[AsyncConnection], Coroutine[Any, Any, T]]

APP_ROLE = "topup_app"
ATTEMPTS_MAX = 3
STATEMENTS_MAX = 3
RETRY_PAUSE_SECONDS = 0.02
TRANSIENT = (psycopg.errors.DeadlockDetected, psycopg.errors.SerializationFailure)
DEMOTED = psycopg.errors.ReadOnlySqlTransaction
GIVEN_UP = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled)

PROBLEM_OF_SQLSTATE = MappingProxyType[str, type[Problem]](
    {
        "TU002": TopupNotFound,
        "TU003": UsernameTaken,
        "TU004": IdempotencyMismatch,
        "TU013": IdempotencyInFlight,
    }
)
"""What a refusal of a SQL function means to a client. docs/errors.md lists every SQLSTATE."""


class Stalled(DatabaseUnavailable):
    """A statement waited too long, mostly for a lock. Nothing of it was done, and another one,
    about something else, may go through."""


class Database:
    """The pool of one process. Every door of the schema is safe to call again, so work that
    died with its connection is tried again on another one."""

    def __init__(
        self,
        url: str,
        connections: int,
        settings: Settings,
        role: str | None = APP_ROLE,
        at_rest: int | None = None,
    ) -> None:
        """`role` is what every connection becomes; None: it stays what it is.

        There are `at_rest` connections, by default all, and more while they have too much to do:
        the pool takes them in turn, and a backend whose turn comes seldom is a slow one.
        """
        self.url = url
        pooled = settings.listen_database_url is not None
        self._local = session_statement(settings, role, local=True) if pooled else None
        session = session_statement(settings, role, local=False)
        self._timeout_seconds = float(settings.connect_timeout_seconds)

        async def configure(connection: AsyncConnection) -> None:
            with patience(connection.fileno(), self._timeout_seconds):
                await connection.execute(session)

        # PostgreSQL ends a statement by itself; work is a few of them.
        self._silence_seconds = STATEMENTS_MAX * settings.statement_timeout_seconds
        self._pool = Connections(
            url,
            min_size=at_rest or connections,
            max_size=connections,
            waiting_max=settings.database_waiting_max,
            timeout=self._timeout_seconds,
            # Then it tries again when somebody asks. With the default of 5 minutes it would find
            # a database that comes back only after as long as that was away.
            reconnect_timeout=self._timeout_seconds,
            kwargs={
                **LIVELINESS,
                "application_name": "napvi",
                "connect_timeout": settings.connect_timeout_seconds,
                "autocommit": True,
                # Behind a transaction pooler a prepared statement may meet another backend.
                "prepare_threshold": None if pooled else 2,
            },
            configure=None if pooled else configure,
        )
        self._running: set[asyncio.Task[Any]] = set()
        self._renewed = 0.0  # when all connections were replaced, by the monotonic clock

    async def open(self) -> None:
        """Raises ConfigurationError when the database cannot be reached."""
        try:
            await self._pool.open(wait=True, timeout=self._timeout_seconds)
        except PoolTimeout:
            await self._pool.close()
            raise ConfigurationError(
                "DATABASE_URL",
                "the database cannot be reached.",
                "Check that it runs, that the address and the password are right, and that "
                "`python -m app migrate` has been run.",
            ) from None

    async def close(self) -> None:
        """Waits for the work under way, then closes every connection."""
        if self._running:
            await asyncio.wait(self._running)
        await self._pool.close()

    def rows(
        self, make: Callable[..., T], query: LiteralString, values: Sequence[object]
    ) -> Coroutine[Any, Any, list[T]]:
        """The rows of one statement, each as `make(**columns)`."""
        return self._fetch(kwargs_row(make), query, values)

    def column(
        self, query: LiteralString, values: Sequence[object]
    ) -> Coroutine[Any, Any, list[Any]]:
        """The first column of one statement."""
        return self._fetch(scalar_row, query, values)

    async def value(self, query: LiteralString, values: Sequence[object]) -> Any:
        """The only one of a statement that has one row."""
        [value] = await self.column(query, values)
        return value

    async def execute(self, query: LiteralString, values: Sequence[object]) -> None:
        """One statement that tells nothing."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(query, values)

        await self.run(work)

    async def _fetch(
        self, row_factory: AsyncRowFactory[T], query: LiteralString, values: Sequence[object]
    ) -> list[T]:
        async def work(connection: AsyncConnection) -> list[T]:
            async with connection.cursor(row_factory=row_factory) as cursor:
                await cursor.execute(query, values)
                return await cursor.fetchall()

        return await self.run(work)

    async def run(self, work: Work[T]) -> T:
        """The result of `work(connection)`, whose statements commit one by one.

        Goes on to its end when the caller is cancelled. Raises DatabaseUnavailable, or the
        Problem that belongs to the SQLSTATE.
        """
        task = asyncio.create_task(self._attempt(work))
        self._running.add(task)
        task.add_done_callback(self._finished)
        return await asyncio.shield(task)

    async def _perform(self, work: Work[T], connection: AsyncConnection) -> T:
        """Behind a transaction pooler a session is a stranger's: role and limits come anew."""
        if self._local is None:
            return await work(connection)
        async with connection.transaction():
            await connection.execute(self._local)
            return await work(connection)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # seen: nobody may be waiting any more

    async def _attempt(self, work: Work[T]) -> T:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            connection: AsyncConnection | None = None
            silence: Patience | None = None
            started = time.monotonic()
            try:
                async with self._pool.connection() as connection:
                    with patience(connection.fileno(), self._silence_seconds) as silence:
                        return await self._perform(work, connection)
            except TRANSIENT as error:
                failure: psycopg.Error = error
            except PoolClosed as error:
                raise DatabaseUnavailable from error
            except psycopg.Error as error:
                if silence is not None and silence.over:
                    raise DatabaseUnavailable from error  # another one would take as long
                lost = connection is None or connection.broken or isinstance(error, DEMOTED)
                if not lost:
                    raise _translated(error) from error
                failure = error
                await self._renew(started)
            log.warning("event=database.retry sqlstate=%s attempt=%d", failure.sqlstate, attempt)
            await asyncio.sleep(RETRY_PAUSE_SECONDS * attempt * (1 + random.random()))  # noqa: S311
        raise DatabaseUnavailable from failure

    async def _renew(self, since: float) -> None:
        """Replaces the connections, once for all who lost one: what became of it became of others.

        They are not asked: who is silent would not answer.
        """
        if self._renewed < since:
            self._renewed = time.monotonic()
            await self._pool.drain()


def _translated(error: psycopg.Error) -> Exception:
    problem = PROBLEM_OF_SQLSTATE.get(error.sqlstate or "")
    if problem is not None:
        return problem()
    if isinstance(error, psycopg.OperationalError):
        log.error("event=database.failed sqlstate=%s", error.sqlstate)
        return Stalled() if isinstance(error, GIVEN_UP) else DatabaseUnavailable()
    return error
