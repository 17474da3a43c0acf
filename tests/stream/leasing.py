"""Workers that lease streams, as the factory puts them together, without the streams themselves."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from app.admission import StreamId, StreamRequest, StreamVerdict
from app.database.accounts import Accounts
from app.database.leases import LeaseStore
from app.metrics.labels import StreamClose
from app.metrics.metrics import Metrics
from app.model import TxRef, UserId
from app.settings import Settings
from app.stream.leases import Leases
from app.stream.listener import Audience, Listener
from tests.payments import Process, connected, open_process, query

SESSION_SECONDS = 3600.0
PATIENCE_SECONDS = 60


@dataclass
class Holder:
    """Keeps what it was told instead of streaming."""

    request: StreamRequest
    user_id: UserId | None = None
    ends: list[StreamClose] = field(default_factory=list)

    def end(self, reason: StreamClose) -> None:
        self.ends.append(reason)


@dataclass(frozen=True)
class Login:
    """Somebody who is logged in and has a top-up."""

    user_id: UserId
    session_hash: bytes
    tx_ref: TxRef


class Worker:
    """The leases of one worker, and what it counts."""

    def __init__(self, worker_id: int, leases: Leases, metrics: Metrics, process: Process) -> None:
        self.worker_id = worker_id
        self.leases = leases
        self.process = process
        self._metrics = metrics
        self._numbers = itertools.count(1)

    def holder(self, login: Login) -> Holder:
        stream_id = StreamId(next(self._numbers))
        return Holder(StreamRequest(stream_id, login.session_hash, login.tx_ref, None))

    async def opened(self, login: Login) -> Holder:
        """One that has its lease."""
        holder = self.holder(login)
        assert await self.leases.open(holder) is StreamVerdict.OPEN
        return holder

    @property
    def statements(self) -> float:
        """How many openings were asked of the database together, so far."""
        return self._count("count")

    @property
    def openings(self) -> float:
        """How many streams they were about."""
        return self._count("sum")

    def _count(self, what: str) -> float:
        found = self._metrics.registry.get_sample_value(f"napvi_stream_open_batch_{what}")
        assert found is not None
        return found

    async def login(self, like: Login | None = None) -> Login:
        """Of a new user; or another one of the same."""
        user_id = await self.process.user() if like is None else like.user_id
        session_hash = secrets.token_bytes(32)
        accounts = Accounts(self.process.database)
        await accounts.open_session(session_hash, user_id, SESSION_SECONDS)
        topup = await self.process.topup(user_id=user_id)
        return Login(user_id, session_hash, topup.tx_ref)

    async def logout(self, login: Login) -> None:
        await Accounts(self.process.database).revoke_session(login.session_hash)


@asynccontextmanager
async def working(
    database_url: str,
    worker_id: int,
    listen_url: str | None = None,
    check_seconds: float = 3600.0,
    **settings: Any,
) -> AsyncIterator[Worker]:
    """A worker that looks for ended logins only when it is told to, unless asked otherwise."""
    metrics = Metrics()
    async with open_process(database_url) as process:
        store = LeaseStore(process.database, worker_id, Settings.load(**settings))
        leases = Leases(store, check_seconds, metrics)
        listener = Listener(
            listen_url or database_url,
            Audience(lambda tx_ref: None, leases.reconcile, leases.wake, leases.wake),
            worker_id,
            echo=process.store.notify,
            settings=Settings.load(
                listener_echo_timeout_seconds=5.0, listener_backoff_seconds_max=0.2
            ),
            metrics=metrics,
        )
        await listener.start()
        leases.start()
        try:
            yield Worker(worker_id, leases, metrics, process)
        finally:
            await leases.stop()
            await listener.stop()


async def leased(url: str) -> list[tuple[int, int, str | None]]:
    """Every lease: worker, stream, and why it has to end."""
    return [
        (worker_id, stream_id, ended)
        for worker_id, stream_id, ended in await query(
            url,
            "SELECT worker_id, stream_id, ended FROM topup.stream_leases ORDER BY 1, 2",
        )
    ]


@asynccontextmanager
async def holding_up(url: str, user_id: UserId) -> AsyncIterator[None]:
    """While it lasts, what is decided about the streams of this user is not answered."""
    async with connected(url) as psql, psql.transaction():
        await psql.execute("SELECT pg_advisory_xact_lock(7282, %s::integer)", (user_id,))
        yield


async def until(found: Callable[[], Awaitable[object]], expected: object) -> None:
    """Waits for what the database comes to say."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await found() != expected:  # noqa: ASYNC110 the database sets no event
            await asyncio.sleep(0.01)


async def waiting_for_a_lock(url: str) -> int:
    ((found,),) = await query(
        url,
        """SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'napvi'
            AND wait_event_type = 'Lock'""",
    )
    return int(found)
