"""Streams that workers ask for, through the doors, as the application and with its statements."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from app.database.leases import (
    CLOSE_STREAMS,
    ENDED_STREAMS,
    EXPIRE_STREAMS,
    OPEN_STREAMS,
    RECONCILE_STREAMS,
)
from app.model import Topup, UserId
from app.stream.channels import worker_channel
from app.stream.listener import LIVE, WORKER_LOCKS
from tests.payments import GRACE_SECONDS, Process, connected, query

IDLE_SECONDS = 1800
SPARE_SECONDS = 5
LAST = "last"


class Asked(NamedTuple):
    """A stream that is asked for; hostile ones have gaps."""

    stream_id: int | None
    session_hash: bytes | None
    tx_ref: str | None
    after: int | None = None


@dataclass(frozen=True)
class Payer:
    """Somebody who is logged in and has a top-up."""

    user_id: UserId
    session_hash: bytes
    topup: Topup

    def asks(self, stream_id: int, after: int | None = None) -> Asked:
        return Asked(stream_id, self.session_hash, self.topup.tx_ref, after)


@dataclass(frozen=True)
class Worker:
    """What a process with this id says to the doors."""

    connection: AsyncConnection
    worker_id: int

    async def open(
        self, *asked: Asked, per_user_max: int = 10, spare_seconds: float = SPARE_SECONDS
    ) -> dict[int, str]:
        """The verdict on each stream_id."""
        values = (
            self.worker_id,
            *columns(asked),
            IDLE_SECONDS,
            GRACE_SECONDS,
            per_user_max,
            spare_seconds,
        )
        rows = await (await self.connection.execute(OPEN_STREAMS, values)).fetchall()
        return {stream_id: verdict for stream_id, verdict, _ in rows}

    async def close(self, *stream_ids: int | None) -> None:
        await self.connection.execute(CLOSE_STREAMS, (self.worker_id, list(stream_ids)))

    async def take_ended(self) -> dict[int, str]:
        """Why each stream_id has to end; then they are closed."""
        cursor = await self.connection.execute(ENDED_STREAMS, (self.worker_id,))
        ended: dict[int, str] = dict(await cursor.fetchall())
        await self.connection.execute(CLOSE_STREAMS, (self.worker_id, list(ended)))
        return ended

    async def expire(self, idle_seconds: float = IDLE_SECONDS) -> None:
        await self.connection.execute(EXPIRE_STREAMS, (self.worker_id, idle_seconds))

    async def reconcile(self, *streams: tuple[Payer, int]) -> None:
        values = (
            self.worker_id,
            [stream_id for _, stream_id in streams],
            [payer.user_id for payer, _ in streams],
            [payer.session_hash for payer, _ in streams],
            [payer.topup.tx_ref for payer, _ in streams],
        )
        await self.connection.execute(RECONCILE_STREAMS, values)


@asynccontextmanager
async def worker(url: str, worker_id: int = 1) -> AsyncIterator[Worker]:
    """One whose sign of life nobody sees: see `alive`."""
    async with connected(url, "topup_app") as connection:
        yield Worker(connection, worker_id)


@asynccontextmanager
async def alive(url: str, worker_id: int) -> AsyncIterator[None]:
    """This worker lives meanwhile, as its listener says so."""
    async with connected(url, "topup_app") as connection:
        await connection.execute(LIVE, (WORKER_LOCKS, worker_id))
        yield


async def log_in(url: str, user_id: UserId) -> bytes:
    """The hash of a new login of this user."""
    session_hash = secrets.token_bytes(32)
    async with connected(url, "topup_app") as connection:
        await connection.execute(
            "SELECT topup.open_session(%s, %s, 43200)", (session_hash, user_id)
        )
    return session_hash


async def come(url: str, process: Process, user_id: UserId | None = None) -> Payer:
    """A payer who has logged in, as a new user unless one is given."""
    topup = await process.topup(50_000, user_id)
    [(owner,)] = await query(
        url, "SELECT user_id FROM topup.topups WHERE tx_ref = %s", topup.tx_ref
    )
    return Payer(owner, await log_in(url, owner), topup)


@asynccontextmanager
async def listening(url: str, *worker_ids: int) -> AsyncIterator[AsyncConnection]:
    """To what these workers are told; see `heard`."""
    async with connected(url) as connection:
        for channel in (LAST, *map(worker_channel, worker_ids)):
            await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
        yield connection


async def heard(listener: AsyncConnection) -> list[tuple[str, str]]:
    """(channel, payload) of every notification until now, sorted."""
    await listener.execute(SQL("NOTIFY {}").format(Identifier(LAST)))
    notifications: list[tuple[str, str]] = []
    async with aclosing(listener.notifies(timeout=30)) as arriving:
        async for notification in arriving:
            if notification.channel == LAST:
                return sorted(notifications)
            notifications.append((notification.channel, notification.payload))
    raise AssertionError("the last notification did not arrive")


async def grow_older(url: str, seconds: float, *stream_ids: int) -> None:
    """Moves the opening of these streams into the past."""
    await query(
        url,
        "UPDATE topup.stream_leases SET opened_at = opened_at - make_interval(secs => %s)"
        " WHERE stream_id = ANY (%s) RETURNING 1",
        seconds,
        list(stream_ids),
    )


async def leases(url: str) -> dict[tuple[int, int], str | None]:
    """What is leased to (worker_id, stream_id), and whether it was ended."""
    rows = await query(url, "SELECT worker_id, stream_id, ended FROM topup.stream_leases")
    return {(worker_id, stream_id): ended for worker_id, stream_id, ended in rows}


def columns(asked: Sequence[Asked]) -> list[list[Any]]:
    """As the doors take them: one array for each field."""
    return [[request[field] for request in asked] for field in range(len(Asked._fields))]
