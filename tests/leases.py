"""The doors of open streams as one worker calls them, without the pool, which would try again."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from app.model import TxRef, UserId
from app.stream.listener import LIVE, WORKER_LOCKS
from tests.payments import GRACE_SECONDS, Process, connected, query

IDLE_SECONDS = 1_800.0
OPEN = """
    SELECT stream_id, verdict FROM topup.open_streams(
        %s, %s::bigint[], %s::bytea[], %s::text[], %s::bigint[], %s, %s, %s, %s
    )
"""
LEASES = "SELECT worker_id, stream_id, ended FROM topup.stream_leases ORDER BY 1, 2"
LOCK_WAITS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""
OPEN_SESSION = "SELECT topup.open_session(%s, %s, 3600)"


@dataclass(frozen=True)
class Viewer:
    """Somebody who is logged in, and a pending top-up of theirs."""

    user_id: UserId
    session_hash: bytes
    tx_ref: TxRef


Asked = tuple[int | None, bytes | None, str | None, int | None]
"""stream_id, session_hash, tx_ref, after."""


async def log_in(url: str, process: Process, user_id: UserId | None = None) -> Viewer:
    """A new login, of a new user unless one is given."""
    owner = await process.user() if user_id is None else user_id
    session_hash = secrets.token_bytes(32)
    await query(url, OPEN_SESSION, session_hash, owner)
    return Viewer(owner, session_hash, (await process.topup(user_id=owner)).tx_ref)


def asks(stream_id: int, viewer: Viewer, after: int | None = None) -> Asked:
    return stream_id, viewer.session_hash, viewer.tx_ref, after


class Worker:
    """One process that streams, as the application role."""

    def __init__(
        self,
        connection: AsyncConnection,
        worker_id: int,
        per_user_max: int = 2,
        spare_seconds: float = 0.0,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.connection = connection
        self.worker_id = worker_id
        self.per_user_max = per_user_max
        self.spare_seconds = spare_seconds
        self.idle_seconds = idle_seconds

    async def open(self, *asked: Asked) -> dict[int, str]:
        """The verdict of each stream."""
        columns = [list(column) for column in zip(*asked, strict=True)] or [[], [], [], []]
        return dict(await self.open_columns(columns))

    async def open_columns(self, columns: Sequence[object]) -> list[tuple[Any, ...]]:
        limits = (self.idle_seconds, GRACE_SECONDS, self.per_user_max, self.spare_seconds)
        return await self._rows(OPEN, self.worker_id, *columns, *limits)

    async def close(self, stream_ids: Iterable[int | None] | None) -> None:
        ids = None if stream_ids is None else list(stream_ids)
        await self._rows("SELECT topup.close_streams(%s, %s)", self.worker_id, ids)

    async def expire(self) -> int:
        """How many leases it has."""
        call = "SELECT topup.expire_streams(%s, %s)"
        [(leases,)] = await self._rows(call, self.worker_id, self.idle_seconds)
        return int(leases)

    async def reconcile(self, *streams: tuple[int | None, Viewer]) -> None:
        await self._rows(
            "SELECT topup.reconcile_streams(%s, %s, %s, %s, %s)",
            self.worker_id,
            [stream_id for stream_id, _ in streams],
            [viewer.user_id for _, viewer in streams],
            [viewer.session_hash for _, viewer in streams],
            [viewer.tx_ref for _, viewer in streams],
        )

    async def revoke(self, viewer: Viewer) -> None:
        await self._rows("SELECT topup.revoke_session(%s)", viewer.session_hash)

    async def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return await (await self.connection.execute(statement.encode(), values)).fetchall()


@asynccontextmanager
async def working(url: str, worker_id: int, **limits: Any) -> AsyncIterator[Worker]:
    """A worker that lives inside: its connection holds its lock."""
    async with connected(url, "topup_app") as connection:
        await connection.execute(LIVE, (WORKER_LOCKS, worker_id))
        yield Worker(connection, worker_id, **limits)


async def leases(url: str) -> list[tuple[int, int, str | None]]:
    """worker_id, stream_id and why it has to end, of every lease."""
    return await query(url, LEASES)


async def blocked(url: str) -> None:
    """Returns when somebody waits for a lock that somebody else has."""
    while await query(url, LOCK_WAITS) == [(0,)]:  # noqa: ASYNC110
        await asyncio.sleep(0.005)


@asynccontextmanager
async def held_up(url: str, user_id: int) -> AsyncIterator[None]:
    """Whoever opens a stream for this user waits until the end, and with him all of his process."""
    async with connected(url) as other, other.transaction():
        await other.execute("SELECT pg_advisory_xact_lock(7282, %s)", (user_id,))
        yield
