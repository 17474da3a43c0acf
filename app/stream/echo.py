"""Proof that notifications arrive: LISTEN can be dead, or swallowed by a pooler, in silence."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from app.errors import ConfigurationError
from app.metrics.metrics import Metrics
from app.model import Notified

log = logging.getLogger(__name__)


class Echo:
    """Sends notifications to this process through another connection and waits for them.

    `send(channel, payload)` notifies and sets its own time limit. The listener calls `heard` for
    what arrives on `channel`, a name that no other process has.

    While the notification queue is half full nothing is sent, so nothing is proved or disproved:
    a listener that is connected passes for good, and `on_skipped` is called each time: its streams
    are served without notifications, and so would be those of any process that took its place.
    """

    def __init__(
        self,
        send: Callable[[str, str], Awaitable[Notified]],
        on_skipped: Callable[[], None],
        every_seconds: float,
        timeout_seconds: float,
        metrics: Metrics,
    ) -> None:
        self.channel = f"napvi:{secrets.token_hex(8)}"
        self._send = send
        self._on_skipped = on_skipped
        self._every_seconds = every_seconds
        self._timeout_seconds = timeout_seconds
        self._metrics = metrics
        self._sent_at: float | None = None
        self._fresh_until = 0.0
        self._sent = asyncio.Event()
        self._heard = asyncio.Event()

    @property
    def fresh(self) -> bool:
        """Whether the latest echo came back, if one could be sent, and the next is not overdue."""
        return monotonic() < self._fresh_until

    def heard(self) -> None:
        """An echo arrived."""
        if self._sent_at is not None:
            self._metrics.echo_lag_seconds.observe(monotonic() - self._sent_at)
            self._sent_at = None
        self._pass()

    def forget(self) -> None:
        """The connection is gone: what was heard proves nothing about the next one."""
        self._fresh_until = 0.0

    async def first(self, connect_timeout_seconds: float) -> None:
        """Returns when the first echo is heard. Raises ConfigurationError when it is not."""
        if not await _happens(self._sent, connect_timeout_seconds):
            raise ConfigurationError(
                "LISTEN_DATABASE_URL",
                "the database cannot be reached.",
                "Check that it runs and that the address and the password are right; unset, "
                "DATABASE_URL is used.",
            )
        if not await _happens(self._heard, self._timeout_seconds):
            raise ConfigurationError(
                "LISTEN_DATABASE_URL",
                "notifications do not arrive. Most likely it, or DATABASE_URL in its place, leads "
                "through a transaction pooler such as pgbouncer, which accepts LISTEN and "
                "delivers nothing.",
                "Set it to an address that leads straight to PostgreSQL.",
            )

    async def until_missed(self) -> None:
        """Returns when an echo that was sent did not come back in time."""
        while True:
            self._heard.clear()
            if await self._is_sent() and not await _happens(self._heard, self._timeout_seconds):
                return
            await asyncio.sleep(self._every_seconds)

    async def _is_sent(self) -> bool:
        self._sent_at = monotonic()
        try:
            notified = await self._send(self.channel, "")
        except Exception as error:
            # That the other connection is away says nothing about the listener's.
            log.warning("event=listener.echo_not_sent reason=%s", type(error).__name__)
            self._sent_at = None
            return False
        self._metrics.notify_queue_usage.set(notified.queue_usage)
        self._sent.set()
        if not notified.sent:
            usage = notified.queue_usage
            log.warning("event=listener.echo_not_sent reason=queue_full usage=%.2f", usage)
            self._sent_at = None
            self._pass()
            self._on_skipped()
        return notified.sent

    def _pass(self) -> None:
        self._fresh_until = monotonic() + self._every_seconds + self._timeout_seconds
        self._heard.set()


async def _happens(event: asyncio.Event, timeout_seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_seconds):
            await event.wait()
    return event.is_set()
