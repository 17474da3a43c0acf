"""Connections of Hypercorn that are gone as soon as they have ended.

Its own leave two things behind. A client that closes an idle connection keeps its socket here
until `keep_alive_timeout`: a few hundred of those a second take all files that a process may have.
And the connection refers to its protocol, which refers to it: with all that hangs on them, 35
objects and 5 KiB, they wait for Python to look for cycles among everything that is old, which
holds up the event loop for half a second where 9,000 streams are open.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import hypercorn.asyncio
import hypercorn.asyncio.run
import hypercorn.protocol
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import AsyncioSingleTask
from hypercorn.config import Config
from hypercorn.events import Event
from hypercorn.protocol import ProtocolWrapper
from hypercorn.typing import ASGIFramework

from app.server.http1 import Http1
from app.server.http2 import Http2


class _NeverIdle(AsyncioSingleTask):
    """Of a connection whose client has left: it waits for no further request."""

    async def restart(self, *_: Any) -> None:
        """It stays as it is."""


class _Ended(ProtocolWrapper):
    """Of a connection that has ended: whatever comes now comes too late."""

    def __init__(self) -> None:
        """There is no connection."""

    async def handle(self, event: Event) -> None:
        """Nobody is left to be told."""


class Connection(TCPServer):
    """One client, from its first byte to the end."""

    async def run(self) -> None:
        try:
            await super().run()
        finally:
            self.protocol = _Ended()

    async def _read_data(self) -> None:
        await super()._read_data()
        idle, self.idle_task = self.idle_task, _NeverIdle()
        await idle.stop()


async def serve(
    app: ASGIFramework, config: Config, shutdown_trigger: Callable[[], Awaitable[object]]
) -> None:
    """Serves `app` until the trigger returns."""
    # It has no other place to say which connections, and protocols, it shall make.
    hypercorn.asyncio.run.TCPServer = Connection  # type: ignore[attr-defined]
    hypercorn.protocol.H11Protocol = Http1  # type: ignore[attr-defined]
    hypercorn.protocol.H2Protocol = Http2  # type: ignore[attr-defined]
    await hypercorn.asyncio.serve(app, config, shutdown_trigger=shutdown_trigger, mode="asgi")
