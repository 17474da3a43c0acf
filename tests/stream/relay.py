"""A network between the listener and its database that can fail in the ways networks fail."""

import asyncio
from types import TracebackType
from typing import Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

READY = b"Z\0\0\0\5I"  # ReadyForQuery, outside of a transaction


class Relay:
    """Passes TCP connections on to PostgreSQL; `url` leads through it.

    While it is `refusing`, it closes new connections at once.
    """

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._streams: set[asyncio.StreamWriter] = set()
        self._forgotten: set[asyncio.StreamWriter] = set()
        self._answered = True
        self.connections = 0
        self.swallowed = 0
        """Answers of the server that nobody got."""
        self.refusing = False
        self.forget_who_is_let_in = False
        """Who connects from now on is told that it may ask, and nothing after that."""
        self._letting_in = asyncio.Event()
        self._letting_in.set()

    @property
    def url(self) -> str:
        port = self._server.sockets[0].getsockname()[1]
        return make_conninfo(self._database_url, host="127.0.0.1", port=port)

    def hold(self) -> None:
        """Who connects from now on waits for the `release`."""
        self._letting_in.clear()

    def release(self) -> None:
        self._letting_in.set()

    def cut(self) -> None:
        """Ends every connection."""
        self._answered = True
        for stream in self._streams:
            stream.transport.abort()

    def forget(self) -> None:
        """Every connection stays open, and nothing arrives any more, as behind a tired NAT."""
        self._forgotten |= self._streams

    def forget_answers(self) -> None:
        """What connections ask from now on arrives, and is not answered until the next `cut`."""
        self._answered = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        self.release()
        self.cut()
        await self._server.wait_closed()

    async def _connected(
        self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        if self.refusing:
            to_client.transport.abort()
            return
        await self._letting_in.wait()
        from_server, to_server = await self._connect()
        both = {to_client, to_server}
        self._streams |= both
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pass_on(from_client, to_server))
                tasks.create_task(self._pass_on(from_server, to_client, answers=True))
        except* OSError:
            pass  # it was cut
        finally:
            self._streams -= both
            for stream in both:
                stream.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parameters = conninfo_to_dict(self._database_url)
        host, port = str(parameters["host"]), parameters.get("port") or 5432
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, int(port))

    async def _pass_on(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, answers: bool = False
    ) -> None:
        while chunk := await source.read(65536):
            if answers and not self._answered:
                self.swallowed += 1
            elif target not in self._forgotten:
                target.write(chunk)
                await target.drain()
                if answers and self.forget_who_is_let_in and READY in chunk:
                    self._forgotten.add(target)
        target.transport.abort()
