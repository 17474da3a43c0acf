"""Plays the history on a projector that is wrong in one line, and says what noticed.

All of it happens in a transaction that is taken back: a mutant costs no database of its own.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import LiteralString

import psycopg
from psycopg import AsyncConnection

from app.model import UserId
from tests.laws.books import expected, read_accounts, recorded
from tests.laws.doors import Rejected
from tests.mutations.clerk import Clerk
from tests.mutations.history import tell
from tests.mutations.mutants import Mutant
from tests.payments import Process, connected

FIRST_ORDER_CODE = 5_000
INSTRUMENTS: LiteralString = """
    CREATE TABLE public.seen (what text, seq bigint);
    GRANT INSERT ON public.seen TO topup_owner;

    CREATE OR REPLACE FUNCTION topup.notify_topup(p_tx_ref text, p_seq bigint) RETURNS void
    LANGUAGE sql AS 'INSERT INTO public.seen VALUES (p_tx_ref, p_seq)';

    ALTER FUNCTION topup.append_singly RENAME TO append_singly_as_it_is;
    CREATE FUNCTION topup.append_singly(text[], text[], text[], text[], text[], bytea[])
    RETURNS topup.outcome[] LANGUAGE sql AS
    'INSERT INTO public.seen VALUES (''singly'', NULL);
    SELECT topup.append_singly_as_it_is($1, $2, $3, $4, $5, $6)';

    CREATE FUNCTION public.date_back() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN NEW.occurred_at := NEW.recorded_at - interval ''1 h''; RETURN NEW; END';
    CREATE TRIGGER events_before_insert BEFORE INSERT ON topup.events
    FOR EACH ROW EXECUTE FUNCTION public.date_back();
"""
"""What could not be seen otherwise. A notification is sent at commit, and nothing is committed
here: whom it would wake is noted. A batch that raises is appended singly, and comes out right:
that it raised is noted. And everything occurred an hour before it is recorded.
"""

AS_IT_WAS: LiteralString = """
    CREATE FUNCTION pg_temp.as_it_was(topup.topups, topup.events) RETURNS topup.topups
    LANGUAGE sql IMMUTABLE AS 'SELECT $1'
"""
UNBALANCED: LiteralString = """
    INSERT INTO topup.ledger_entries (event_id, account, amount, recorded_at)
    SELECT e.event_id, 'suspense', 5, e.recorded_at FROM topup.events AS e
    WHERE e.tx_ref = 'T0000000A' AND e.seq = 1
"""
FIRST_EVENT = "SELECT event_id FROM topup.events WHERE tx_ref = 'T0000000A' AND seq = 1"
SEEN = 'SELECT what, seq FROM public.seen ORDER BY what COLLATE "C", seq'
UNBALANCED_SQLSTATE = "TU011"

REFUSED = "a statement raised"
CONSTRAINT = "a deferred constraint"
DRIFT = "audit.drift()"
EQUATION = "audit.money_equation"
ORACLE = "the oracle"
Noticed = tuple[str, ...]
"""By what. The first two end the history; the others look at its end, each for itself."""


@dataclass(frozen=True)
class Bench:
    connection: AsyncConnection
    users: tuple[UserId, UserId]

    async def notices(self, mutant: Mutant | None) -> Noticed | None:
        """None: PostgreSQL does not take it as a function, so it is no mutant."""
        async with self.connection.transaction(force_rollback=True):
            try:
                if mutant is not None:
                    await self.connection.execute(mutant.sql.encode())
            except psycopg.Error:
                return None
            return await self._after_the_history()

    async def _after_the_history(self) -> Noticed:
        clerk = Clerk(self.connection)
        await self.connection.execute(
            "SELECT setval('topup.order_codes', %s, false)", (FIRST_ORDER_CODE,)
        )
        before = await read_accounts(self.connection)
        try:
            async with self.connection.transaction():
                await tell(clerk, *self.users)
        except (psycopg.Error, Rejected):
            return (REFUSED,)
        noticed = []
        if not await self._holds():
            return (CONSTRAINT,)
        if await self._finds("SELECT FROM audit.drift()"):
            noticed.append(DRIFT)
        if await self._finds("SELECT FROM audit.money_equation WHERE difference <> 0"):
            noticed.append(EQUATION)
        if await self._differs(clerk, before) or not await self._refuses_what_is_unbalanced():
            noticed.append(ORACLE)
        return tuple(noticed)

    async def _holds(self) -> bool:
        """Whether the commit would go through."""
        try:
            async with self.connection.transaction():
                await self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error:
            return False
        return True

    async def _refuses_what_is_unbalanced(self) -> bool:
        """The guard has nothing to do in a history that is right."""
        try:
            async with self.connection.transaction():
                await self.connection.execute(UNBALANCED)
        except psycopg.Error as error:
            detail = error.diag.message_detail
            [(event_id,)] = await (await self.connection.execute(FIRST_EVENT)).fetchall()
            return (error.sqlstate, detail) == (UNBALANCED_SQLSTATE, str(event_id))
        return False

    async def _differs(self, clerk: Clerk, before: dict[str, int]) -> bool:
        """Between the oracle and the books, of which some cannot even be read any more."""
        try:
            async with self.connection.transaction():
                return await self._told_otherwise(clerk, before)
        except psycopg.Error:
            return True

    async def _told_otherwise(self, clerk: Clerk, before: dict[str, int]) -> bool:
        seen = await (await self.connection.execute(SEEN)).fetchall()
        books = expected(clerk.oracle)
        woken = [(tx_ref, seq) for tx_ref, seq, *_ in books.updates]
        singly = [("singly", None)] * clerk.refused
        actual = await recorded(self.connection, clerk.oracle, before)
        return bool(clerk.differences) or seen != woken + singly or actual != books

    async def _finds(self, proof: LiteralString) -> bool:
        """A proof that cannot be led has found something too."""
        try:
            async with self.connection.transaction():
                return (await self.connection.execute(proof)).rowcount > 0
        except psycopg.Error:
            return True


@asynccontextmanager
async def bench(url: str, process: Process) -> AsyncIterator[Bench]:
    users = (await process.user(), await process.user())
    async with connected(url) as connection:
        await connection.execute(INSTRUMENTS)
        await connection.execute(AS_IT_WAS)
        yield Bench(connection, users)
