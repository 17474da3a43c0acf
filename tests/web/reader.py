"""A browser below HTTP: it decides when it takes what the service sends, and when it is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from hypercorn.typing import ASGIReceiveEvent, ASGISendEvent, HTTPScope
from quart import Quart

from tests.stream.event_source import EventSource


class Reader:
    """Takes nothing before `read`; `offered` when something waits to be taken."""

    def __init__(self) -> None:
        self.source = EventSource()
        self.offered = asyncio.Event()
        self._reads = asyncio.Event()
        self._gone = asyncio.Event()
        self._asked = False
        self._fails = False

    def fail(self) -> None:
        """Whatever is sent from now on raises."""
        self._fails = True

    def read(self) -> None:
        self._reads.set()

    def stop_reading(self) -> None:
        self._reads.clear()
        self.offered.clear()

    def leave(self) -> None:
        self._gone.set()

    async def receive(self) -> ASGIReceiveEvent:
        if self._asked:
            await self._gone.wait()
            return {"type": "http.disconnect"}
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: ASGISendEvent) -> None:
        self.offered.set()
        await self._reads.wait()
        if self._fails:
            raise RuntimeError("the server broke")
        if message["type"] == "http.response.body":
            self.source.feed(message["body"])
            if not message["more_body"]:
                self.leave()


@asynccontextmanager
async def reading(app: Quart, cookie: str, query: str) -> AsyncIterator[tuple[Reader, Any]]:
    """A reader of the stream, and the task that serves it, which ends when the reader leaves.

    One that was cancelled meanwhile is the business of the test.
    """
    scope: HTTPScope = {
        "type": "http",
        "asgi": {"spec_version": "2.1", "version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/topup/stream",
        "raw_path": b"/api/topup/stream",
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"cookie", cookie.encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "extensions": {},
        "state": {},  # type: ignore[typeddict-item]
    }
    reader = Reader()
    serving = asyncio.create_task(app(scope, reader.receive, reader.send))
    try:
        yield reader, serving
    finally:
        reader.leave()
        if not serving.cancelled():
            await serving
