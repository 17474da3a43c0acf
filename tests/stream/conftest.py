"""What the stream tests share: a journal in a database of its own, and listeners on it."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from app.metrics.metrics import Metrics
from app.model import Notified, TxRef, new_tx_ref
from app.settings import Settings
from app.stream.channels import channel_of
from app.stream.hub import Hub
from app.stream.listener import Audience, Listener
from tests.stream.journal import Journal
from tests.stream.relay import Relay

Condition = Callable[[], bool]
Send = Callable[[str, str], Awaitable[Notified]]
Eventually = Callable[[Condition], Awaitable[None]]
PATIENCE_SECONDS = 60
WORKER_ID = 7


class Woken:
    """Counts what a listener reports."""

    def __init__(self) -> None:
        self.times: Counter[TxRef] = Counter()
        self.connected = 0
        self.summoned = 0
        self.skipped = 0
        self._last = new_tx_ref()
        self._last_arrived = asyncio.Event()

    def on_wake(self, tx_ref: TxRef) -> None:
        if tx_ref == self._last:
            self._last_arrived.set()
        else:
            self.times[tx_ref] += 1

    def on_connected(self) -> None:
        self.connected += 1

    def on_summons(self) -> None:
        self.summoned += 1

    def on_skipped(self) -> None:
        self.skipped += 1

    def has_connected(self, times: int) -> Condition:
        return lambda: self.connected >= times

    async def everything(self, listener: Listener, journal: Journal) -> None:
        """Returns when all that was sent before has arrived: notifications keep their order."""
        await listener.listen(self._last)
        self._last_arrived.clear()
        await journal.notify(channel_of(self._last), "")
        await self._last_arrived.wait()


def grow_impatient(listener: Listener, echo_timeout_seconds: float) -> None:
    """It was started with all the time that it needed; from now on it waits as long."""
    listener._echo_timeout_seconds = listener._echo._timeout_seconds = echo_timeout_seconds


StartListener = Callable[..., Awaitable[Listener]]
StartHub = Callable[..., Awaitable[Hub]]


@pytest.fixture
async def journal(empty_database_url: str) -> AsyncIterator[Journal]:
    async with Journal(empty_database_url) as journal:
        yield journal


@pytest.fixture
async def relay(empty_database_url: str) -> AsyncIterator[Relay]:
    async with Relay(empty_database_url) as relay:
        yield relay


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def eventually() -> Eventually:
    """Waits for something that other tasks or processes bring about."""

    async def wait(condition: Condition) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():  # noqa: ASYNC110 other processes set no event
                await asyncio.sleep(0.005)

    return wait


@pytest.fixture
async def start_listener(
    empty_database_url: str, journal: Journal, woken: Woken, metrics: Metrics
) -> AsyncIterator[StartListener]:
    """Starts a listener; further keywords are settings. It is stopped after the test."""
    everybody = Audience(woken.on_wake, woken.on_connected, woken.on_summons, woken.on_skipped)
    async with AsyncExitStack() as stack:

        async def start(
            conninfo: str = empty_database_url,
            audience: Audience = everybody,
            echo: Send = journal.notify,
            **changes: Any,
        ) -> Listener:
            settings = {"listener_echo_seconds": 0.2, "listener_backoff_seconds_max": 1.0}
            listener = Listener(
                conninfo, audience, WORKER_ID, echo, Settings.load(**settings | changes), metrics
            )
            stack.push_async_callback(listener.stop)
            await listener.start()
            return listener

        yield start


@pytest.fixture
async def start_hub(
    start_listener: StartListener,
    journal: Journal,
    woken: Woken,
    metrics: Metrics,
    empty_database_url: str,
) -> AsyncIterator[StartHub]:
    """Starts a hub and its listener, wired as the factory does; the keywords are the hub's."""
    async with AsyncExitStack() as stack:

        async def start(conninfo: str = empty_database_url, **changes: object) -> Hub:
            listener: Listener
            arguments: dict[str, Any] = {
                "listen": lambda tx_ref: listener.listen(tx_ref),  # noqa: PLW0108 it comes later
                "unlisten": lambda tx_ref: listener.unlisten(tx_ref),  # noqa: PLW0108
                "read_updates": journal.read_updates,
                "frames_waiting_max": 1_000,
                "sweep_seconds": 3600.0,
                "metrics": metrics,
            }
            hub = Hub(**arguments | changes)
            audience = Audience(hub.wake, hub.wake_all, woken.on_summons, hub.sweep)
            listener = await start_listener(conninfo=conninfo, audience=audience)
            stack.push_async_callback(hub.close)
            await hub.start()
            return hub

        yield start
