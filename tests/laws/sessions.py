"""Sessions whose transactions interleave, and the journal of what they were answered.

The first call of a transaction may wait for another session; it is left waiting, and finishes when
that one commits or rolls back. A later call does not wait: that is the order of locks, of which
nothing is promised to whoever calls two doors in one transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected, LockNotAvailable

from tests.laws.oracle import Oracle
from tests.payments import connected

BLOCKED = """
    SELECT count(*) FROM unnest(%s::integer[]) AS p WHERE cardinality(pg_blocking_pids(p)) > 0
"""
Door = Callable[[AsyncConnection], Awaitable[Any]]
Play = Callable[[Oracle, Any], object]
"""Tells the oracle the same; takes the answer of the database, for what only that can know, and
gives the answer that is right.
"""


@dataclass
class Session:
    """`patient`: its call is the first of its transaction, and may wait for another session."""

    connection: AsyncConnection
    call: asyncio.Task[None] | None = None
    patient: bool = True

    @property
    def in_transaction(self) -> bool:
        return self.call is not None or self.connection.info.transaction_status != 0


@dataclass(frozen=True)
class Entry:
    """`session`: whose transaction is open; None, when it has committed."""

    session: Session | None
    play: Play
    answer: Any


@dataclass
class Sessions:
    all: list[Session]
    observer: AsyncConnection
    journal: list[Entry] = field(default_factory=list)
    waited: int = 0
    """How many calls had to wait for another session."""

    def oracle(self, session: Session | None = None) -> Oracle:
        """What this session can know: what has committed, and its own."""
        oracle = Oracle()
        for entry in self.journal:
            if entry.session in (None, session):
                entry.play(oracle, entry.answer)
        return oracle

    @property
    def free(self) -> list[Session]:
        return [session for session in self.all if session.call is None]

    async def call(self, session: Session, door: Door, play: Play) -> None:
        """Within the open transaction of this free session, or a new one."""
        session.patient = not session.in_transaction
        if not session.patient:
            await session.connection.execute("SET LOCAL lock_timeout = '1ms'")
        else:
            await session.connection.execute("BEGIN")
        session.call = asyncio.create_task(self._call(session, door, play))
        await self._settle()
        self.waited += session.call is not None

    async def commit(self, session: Session) -> None:
        # First: whoever waits for this session may be done before we hear of our commit.
        for place, entry in enumerate(self.journal):
            if entry.session is session:
                self.journal[place] = Entry(None, entry.play, entry.answer)
        await session.connection.execute("COMMIT")
        await self._settle()

    async def roll_back(self, session: Session) -> None:
        await self._forget(session)
        await self._settle()

    async def end(self) -> None:
        """Rolls all back; whoever waits is rolled back after whom it waited for."""
        while any(session.in_transaction for session in self.all):
            open_ones = [session for session in self.free if session.in_transaction]
            for session in open_ones:
                await self.roll_back(session)
            if not open_ones:  # they wait in a circle: PostgreSQL ends one of them
                calls = [session.call for session in self.all if session.call is not None]
                await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                await self._settle()

    async def _call(self, session: Session, door: Door, play: Play) -> None:
        try:
            answer = await door(session.connection)
        except (LockNotAvailable, DeadlockDetected):
            await self._forget(session)
            return
        right = play(self.oracle(session), answer)
        assert answer == right, f"{answer} is not {right}"
        self.journal.append(Entry(session, play, answer))

    async def _forget(self, session: Session) -> None:
        await session.connection.execute("ROLLBACK")
        self.journal = [entry for entry in self.journal if entry.session is not session]

    async def _settle(self) -> None:
        """Until every call is done or waits for another session."""
        while True:
            for session in self.all:
                if session.call is not None and session.call.done():
                    done, session.call = session.call, None
                    done.result()
            calling = [session for session in self.all if session.call is not None]
            waiting = [session.connection.info.backend_pid for session in calling]
            cursor = await self.observer.execute(BLOCKED, (waiting,))
            blocked = await cursor.fetchone() == (len(waiting),)
            # If all wait, in a circle, PostgreSQL ends one of them.
            if blocked and self.free and all(session.patient for session in calling):
                return


@asynccontextmanager
async def open_sessions(url: str, number: int) -> AsyncIterator[Sessions]:
    async with AsyncExitStack() as stack:
        observer = await stack.enter_async_context(connected(url))
        sessions = [
            Session(await stack.enter_async_context(connected(url, "topup_app")))
            for _ in range(number)
        ]
        try:
            yield Sessions(sessions, observer)
        finally:
            for session in sessions:  # one that waits, after a failure, would be waited for
                if session.call is not None:
                    session.call.cancel()
