"""The relay of the stream tests, in a thread: a test that starts a process blocks its own loop."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from tests.stream.relay import Relay


class RelayThread:
    """What a test may ask of a relay that runs elsewhere."""

    def __init__(self, relay: Relay, loop: asyncio.AbstractEventLoop) -> None:
        self.url = relay.url
        self._relay = relay
        self.loop = loop

    def forget(self) -> None:
        """As Relay does."""
        self.loop.call_soon_threadsafe(self._relay.forget)

    @property
    def connections(self) -> int:
        return self._relay.connections


@contextmanager
def relay_thread(database_url: str) -> Iterator[RelayThread]:
    ready: Future[RelayThread] = Future()
    finished = asyncio.Event()

    async def relay() -> None:
        async with Relay(database_url) as relay:
            ready.set_result(RelayThread(relay, asyncio.get_running_loop()))
            await finished.wait()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(asyncio.run, relay())
        handle = ready.result()
        try:
            yield handle
        finally:
            handle.loop.call_soon_threadsafe(finished.set)
            running.result()
