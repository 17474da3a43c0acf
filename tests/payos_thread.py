"""The PayOS simulator in a thread of the tests: a process of its own takes a second to start."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from app.payos.simulator import create_simulator
from app.server.sockets import open_endpoint
from tests.services import CHANNEL, CHECKSUM_KEY, CREDENTIALS
from tests.web.line import PATIENCE_SECONDS, served


@dataclass(frozen=True)
class SimulatorThread:
    """A simulator at `url`, without a log of its own."""

    url: str


@contextmanager
def simulator_thread() -> Iterator[SimulatorThread]:
    """One that nobody has called yet. Who calls it must have left by the end."""
    ready: Future[tuple[str, asyncio.AbstractEventLoop]] = Future()
    finished = asyncio.Event()

    async def simulate() -> None:
        endpoint = open_endpoint("127.0.0.1:0", reader_timeout_seconds=PATIENCE_SECONDS)
        simulator = create_simulator(CHANNEL, CREDENTIALS["x-api-key"], CHECKSUM_KEY)
        async with served(simulator, endpoint):
            ready.set_result((f"http://{endpoint.addresses[0]}", asyncio.get_running_loop()))
            await finished.wait()

    with ThreadPoolExecutor(1) as threads:
        running = threads.submit(asyncio.run, simulate())
        url, loop = ready.result()
        try:
            yield SimulatorThread(url)
        finally:
            loop.call_soon_threadsafe(finished.set)
            running.result()
