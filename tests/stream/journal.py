"""A small log in a real database: what the hub asks of one, without the rules of top-ups."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import LiteralString, Self

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from app.model import EventType, Notified, Status, TopupUpdate, TxRef, new_tx_ref

TABLES = """
    CREATE TABLE heads (tx_ref text PRIMARY KEY, seq bigint NOT NULL);
    CREATE TABLE journal (
        tx_ref text, seq bigint, final boolean NOT NULL, recorded_at timestamptz NOT NULL,
        PRIMARY KEY (tx_ref, seq)
    );
"""
APPEND = """
    WITH head AS (
        UPDATE heads SET seq = seq + 1 WHERE tx_ref = %s RETURNING tx_ref, seq
    ), entry AS (
        INSERT INTO journal SELECT tx_ref, seq, %s, clock_timestamp() FROM head RETURNING *
    )
    SELECT seq, pg_notify('topup:' || tx_ref, seq::text) FROM entry
"""
READ = """
    SELECT j.tx_ref, j.seq, j.final, j.recorded_at
    FROM unnest(%s::text[], %s::bigint[]) AS c (tx_ref, after)
    INNER JOIN heads AS h ON h.tx_ref = c.tx_ref
    INNER JOIN journal AS j ON j.tx_ref = c.tx_ref AND (j.seq > c.after OR j.seq = h.seq)
    ORDER BY j.tx_ref, j.seq
"""


class Journal:
    """Appends, reads and notifies like the store does; counts its reads."""

    def __init__(self, database_url: str) -> None:
        self._pool = AsyncConnectionPool(
            database_url, min_size=4, kwargs={"autocommit": True}, open=False
        )
        self.reads = 0

    async def __aenter__(self) -> Self:
        await self._pool.open()
        async with self._pool.connection() as connection:
            await connection.execute(TABLES)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._pool.close()

    async def open(self, entries: int = 0) -> TxRef:
        """A new top-up with so many entries."""
        tx_ref = new_tx_ref()
        await self._execute("INSERT INTO heads VALUES (%s, 0)", tx_ref)
        for _ in range(entries):
            await self.append(tx_ref)
        return tx_ref

    async def append(self, tx_ref: TxRef, final: bool = False) -> None:
        """One entry under the next seq, and one notification, in one transaction."""
        await self._execute(APPEND, tx_ref, final)

    async def append_in_silence(self, tx_ref: TxRef) -> None:
        """An entry whose notification is lost."""
        await self._execute(
            """WITH head AS (UPDATE heads SET seq = seq + 1 WHERE tx_ref = %s RETURNING *)
            INSERT INTO journal SELECT tx_ref, seq, false, clock_timestamp() FROM head""",
            tx_ref,
        )

    async def finish_in_silence(self, tx_ref: TxRef) -> None:
        """The latest entry becomes final by the passing of time."""
        await self._execute(
            """UPDATE journal SET final = true
            WHERE (tx_ref, seq) IN (SELECT tx_ref, seq FROM heads WHERE tx_ref = %s)""",
            tx_ref,
        )

    async def notify(self, channel: str, payload: str) -> Notified:
        await self._execute("SELECT pg_notify(%s, %s)", channel, payload)
        return Notified(sent=True, queue_usage=0.0)

    async def listeners(self) -> int:
        """How many backends listen; one whose client has left is there until it notices."""
        return len(await self._of_listeners("pid"))

    async def terminate_listener(self) -> int:
        """How many backends were killed. They are gone; their clients heard of it sooner."""
        return len(await self._of_listeners("pg_terminate_backend(pid, 60000)"))

    async def read_updates(self, cursors: Mapping[TxRef, int | None]) -> list[TopupUpdate]:
        self.reads += 1
        async with self._pool.connection() as connection:
            cursor = await connection.execute(READ, (list(cursors), list(cursors.values())))
            return [
                TopupUpdate(
                    tx_ref=TxRef(tx_ref),
                    seq=seq,
                    type=EventType.PAYMENT_RECEIVED,
                    status=Status.PENDING,
                    amount=seq,
                    amount_paid=0,
                    late=False,
                    under_review=False,
                    final=final,
                    wallet_balance=0,
                    confirmed_at=None,
                    expires_at=datetime(2026, 1, 1, tzinfo=UTC),
                    recorded_at=recorded_at,
                    read_at=recorded_at,
                )
                for tx_ref, seq, final, recorded_at in await cursor.fetchall()
            ]

    async def _of_listeners(self, column: LiteralString) -> list[object]:
        connection: AsyncConnection
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                f"""SELECT {column} FROM pg_stat_activity
                WHERE application_name = 'napvi-listener' AND datname = current_database()"""
            )
            return [found for (found,) in await cursor.fetchall()]

    async def _execute(self, statement: str, *values: object) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement.encode(), values)
