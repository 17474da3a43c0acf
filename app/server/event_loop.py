"""The event loop of everything that serves: uvloop, which can stop accepting on its own account."""

import asyncio
from typing import Any

import uvloop


class EventLoop(uvloop.Loop):
    """Remembers the servers that are created on it.

    Hypercorn keeps them to itself and closes them only after it has told idle connections to go:
    one that is accepted in between, which another worker could have served, would be closed
    without an answer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._servers_created: list[asyncio.AbstractServer] = []

    async def create_server(self, *args: Any, **kwargs: Any) -> Any:
        server = await super().create_server(*args, **kwargs)
        self._servers_created.append(server)
        return server

    def stop_accepting(self) -> None:
        """Leaves new connections to the other holders of the sockets; the accepted ones stay."""
        for server in self._servers_created:
            server.close()
