"""The one LISTEN connection of a process: from a COMMIT anywhere to a call of its audience.

psycopg's `notifies()` holds its connection, so LISTEN cannot run beside it. It runs in a task that
a request cancels; all requests that wait go out as one statement; then it starts again. A
cancelled `notifies()` loses nothing: what it has not read stays in the socket.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from types import MappingProxyType

import psycopg
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from app.errors import DatabaseUnavailable
from app.metrics.labels import ListenerLoss
from app.metrics.metrics import Metrics
from app.model import Notified, TxRef
from app.settings import Settings
from app.stream.channels import Channels, channel_of, tx_ref_of, worker_channel
from app.stream.echo import Echo
from app.tcp import LIVELINESS, cut, patience

log = logging.getLogger(__name__)

BACKOFF_SECONDS_MIN = 0.1
WORKER_LOCKS = 7281  # as in topup.worker_is_alive
# When a whole machine vanishes nobody closes its connections: the server has to find out.
NOTICE_OUR_DEATH = """
    SET tcp_keepalives_idle TO 15; SET tcp_keepalives_interval TO 5;
    SET tcp_keepalives_count TO 3; SET tcp_user_timeout TO 15000
"""
# Shared: after a silent cut the old connection may hold it for a while.
LIVE = "SELECT pg_catalog.pg_advisory_lock_shared(%s, %s)"
CLOSE_TIMEOUT_SECONDS = 1.0
CONNECTION = MappingProxyType[str, object](
    {
        "autocommit": True,  # a listener inside a transaction holds up the queue of the cluster
        "prepare_threshold": None,
        "application_name": "napvi-listener",
        "target_session_attrs": "read-write",  # a standby refuses LISTEN
        **LIVELINESS,
    }
)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is called by a Listener, inside its receiving loop: all of them must be quick."""

    on_wake: Callable[[TxRef], None]
    """There is a notification about a top-up that is listened to."""
    on_connected: Callable[[], None]
    """Everything is listened to again: what was sent in between is lost, so read."""
    on_summons: Callable[[], None]
    """Another process has something for this worker."""
    on_skipped: Callable[[], None]
    """The queue is too full for notifications: look without being told, until this stops."""


class Listener:
    """Tells its audience what is notified.

    Its connection holds the lock of `worker_id`, as a sign of life. `echo(channel, payload)`
    notifies through another one.
    """

    def __init__(
        self,
        conninfo: str,
        audience: Audience,
        worker_id: int,
        echo: Callable[[str, str], Awaitable[Notified]],
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        # Left to itself the pool pauses a second before it tries again. Told to give up at once,
        # it tries whenever a connection is asked for, and the pace is set in `_run`.
        self._pool = AsyncConnectionPool(
            conninfo,
            kwargs={**CONNECTION, "connect_timeout": settings.connect_timeout_seconds},
            min_size=1,
            max_size=1,
            reconnect_timeout=0.0,
            reconnect_failed=lambda _: self._lost(ListenerLoss.UNREACHABLE),
            name="napvi-listener",
            open=False,
        )
        self._audience = audience
        self._worker_id = worker_id
        self._worker_channel = worker_channel(worker_id)
        self._backoff_seconds = BACKOFF_SECONDS_MIN
        self._backoff_seconds_max = settings.listener_backoff_seconds_max
        self._connect_timeout_seconds = settings.connect_timeout_seconds
        self._echo_timeout_seconds = settings.listener_echo_timeout_seconds
        self._echo = Echo(
            echo,
            audience.on_skipped,
            settings.listener_echo_seconds,
            settings.listener_echo_timeout_seconds,
            metrics,
        )
        self._metrics = metrics
        self._channels = Channels()
        self._channels.want(self._echo.channel)
        self._channels.want(self._worker_channel)
        self._silent = False  # why the connection was cut
        self._receiving: asyncio.Task[None] | None = None
        self._running: asyncio.Task[None] | None = None

    @property
    def ready(self) -> bool:
        """Whether notifications arrive: the latest echo came back, in time."""
        return self._alive and self._echo.fresh

    async def start(self) -> None:
        """Connects, and proves that notifications arrive. Raises ConfigurationError."""
        await self._pool.open()
        self._running = asyncio.create_task(self._run(), name="listener")
        self._running.add_done_callback(self._ended)
        try:
            await self._echo.first(self._connect_timeout_seconds)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Closes the connection. Whoever waits in `listen` gets DatabaseUnavailable."""
        # The pool first: on Python 3.11 it may lose a connection when its waiter is cancelled.
        await self._pool.close(CLOSE_TIMEOUT_SECONDS)
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    async def listen(self, tx_ref: TxRef) -> None:
        """Returns when the LISTEN is committed, which may be after a reconnect; safe to repeat.

        Raises InvalidRequest for a malformed tx_ref, DatabaseUnavailable when stopped.
        """
        channel = channel_of(tx_ref)
        self._channels.want(channel)
        self._interrupt()
        while not self._channels.is_active(channel):
            if not self._alive:
                raise DatabaseUnavailable("The listener is not running.")
            await self._channels.change()

    def unlisten(self, tx_ref: TxRef) -> None:
        """Asks for the UNLISTEN and does not wait: what arrives late wakes nobody."""
        self._channels.drop(channel_of(tx_ref))
        self._interrupt()

    @property
    def _alive(self) -> bool:
        return self._running is not None and not self._running.done()

    def _interrupt(self) -> None:
        if self._receiving is not None:
            self._receiving.cancel()

    async def _run(self) -> None:
        while not self._pool.closed:
            pause_seconds = self._backoff_seconds * random.uniform(0.5, 1.0)  # noqa: S311
            try:
                async with self._pool.connection(pause_seconds) as connection:
                    await self._serve(connection)
            except* PoolTimeout:
                pass  # it takes longer, or has failed: then the pool has said so
            except* psycopg.Error:
                self._lost(ListenerLoss.SILENT if self._silent else ListenerLoss.DISCONNECTED)
                await asyncio.sleep(pause_seconds)
            except* Exception as errors:
                self._lost(ListenerLoss.FAILED, errors)
                await asyncio.sleep(pause_seconds)
            self._backoff_seconds = min(2 * self._backoff_seconds, self._backoff_seconds_max)

    async def _serve(self, connection: AsyncConnection) -> None:
        """Listens to everything that is wanted, then receives until the connection fails."""
        self._silent = False
        try:
            with patience(connection.fileno(), self._echo_timeout_seconds) as silence:
                try:
                    await self._prepare(connection)
                finally:
                    self._silent = silence.over
            self._backoff_seconds = BACKOFF_SECONDS_MIN
            self._metrics.listener_connects.inc()
            log.info("event=listener.connected channels=%d", len(self._channels))
            self._audience.on_connected()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._prove_delivery(connection))
                while True:
                    await self._send_requests(connection)
                    self._receiving = tasks.create_task(self._receive(connection))
                    await asyncio.wait({self._receiving})
        finally:
            self._echo.forget()
            self._channels.forget_active()
            self._metrics.channels_listened.set(0)
            await connection.close()  # back in the pool it would go on listening

    async def _prepare(self, connection: AsyncConnection) -> None:
        """Everything before the first echo is on its way."""
        await connection.execute(NOTICE_OUR_DEATH)
        await connection.execute(LIVE, (WORKER_LOCKS, self._worker_id))
        await self._send_requests(connection)

    async def _send_requests(self, connection: AsyncConnection) -> None:
        """LISTEN and UNLISTEN, in one statement and one commit, until nothing waits."""
        while self._channels.requested:
            to_listen, to_unlisten = self._channels.take()
            statements = [sql.SQL("UNLISTEN {}").format(sql.Identifier(c)) for c in to_unlisten]
            statements += [sql.SQL("LISTEN {}").format(sql.Identifier(c)) for c in to_listen]
            if statements:
                await connection.execute(sql.SQL("; ").join(statements))
            self._channels.commit(to_listen)
            self._metrics.channels_listened.set(self._channels.active)

    async def _receive(self, connection: AsyncConnection) -> None:
        async with aclosing(connection.notifies()) as notifications:
            # No await and no break in this loop: either would lose the rest of a packet.
            async for notification in notifications:
                if notification.channel == self._echo.channel:
                    self._echo.heard()
                elif notification.channel == self._worker_channel:
                    self._audience.on_summons()
                elif (tx_ref := tx_ref_of(notification.channel)) is not None:
                    self._audience.on_wake(tx_ref)

    async def _prove_delivery(self, connection: AsyncConnection) -> None:
        await self._echo.until_missed()
        self._silent = True
        with suppress(psycopg.OperationalError):  # it is closed already
            cut(connection.fileno())

    def _lost(self, reason: ListenerLoss, error: BaseException | None = None) -> None:
        self._metrics.listener_lost.labels(reason).inc()
        log.warning("event=listener.lost reason=%s", reason, exc_info=error)

    def _ended(self, running: asyncio.Task[None]) -> None:
        self._channels.wake()
        if not running.cancelled() and (error := running.exception()) is not None:
            self._metrics.listener_lost.labels(ListenerLoss.DIED).inc()
            log.error("event=listener.died reason=%s", type(error).__name__, exc_info=error)
