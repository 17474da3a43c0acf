"""Proof that notifications arrive: LISTEN can be dead, or swallowed by a pooler, in silence."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from time import monotonic

from app.errors import ConfigurationError

log = logging.getLogger(__name__)


class Echo:
    """Sends notifications to this process through another connection and waits for them.

    `send(channel, payload)` notifies and sets its own time limit. The listener calls `heard` for
    what arrives on `channel`, a name that no other process has.
    """

    def __init__(
        self,
        send: Callable[[str, str], Awaitable[None]],
        every_seconds: float,
        timeout_seconds: float,
    ) -> None:
        self.channel = f"napvi:{secrets.token_hex(8)}"
        self._send = send
        self._every_seconds = every_seconds
        self._timeout_seconds = timeout_seconds
        self._fresh_until = 0.0
        self._sent = asyncio.Event()
        self._heard = asyncio.Event()

    @property
    def fresh(self) -> bool:
        """Whether the latest echo came back, and the next one is not overdue."""
        return monotonic() < self._fresh_until

    def heard(self) -> None:
        """An echo arrived."""
        self._fresh_until = monotonic() + self._every_seconds + self._timeout_seconds
        self._heard.set()

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
                log.warning("event=listener.silent seconds=%g", self._timeout_seconds)
                return
            await asyncio.sleep(self._every_seconds)

    async def _is_sent(self) -> bool:
        try:
            await self._send(self.channel, "")
        except Exception as error:
            # That the other connection is away says nothing about the listener's.
            log.warning("event=listener.echo_not_sent error=%s", type(error).__name__)
            return False
        self._sent.set()
        return True


async def _happens(event: asyncio.Event, timeout_seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_seconds):
            await event.wait()
    return event.is_set()
