"""Apps on real sockets, and a way to them that can be watched and held up."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from app.server.connections import serve
from app.server.sockets import Endpoint

PATIENCE_SECONDS = 20
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here is encrypted; to load certificates for each client would take 30 ms."""


def client(url: str) -> httpx.AsyncClient:
    """Without limits of its own, and without a proxy."""
    return httpx.AsyncClient(
        base_url=url,
        verify=NO_TLS,
        trust_env=False,
        timeout=PATIENCE_SECONDS,
        limits=httpx.Limits(max_connections=None),
    )


async def eventually(condition: Callable[[], bool]) -> None:
    """Waits for what other tasks bring about without an event of their own."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


class Line:
    """The way to an ASGI app: its requests are counted, its answers can be held back.

    `under_way` requests are being handled now; `answers` went to requests for `path`.
    """

    def __init__(self, app: ASGIFramework, path: str) -> None:
        self._app = app
        self._path = path
        self._open = asyncio.Event()
        self._open.set()
        self._holds_everything = False
        self.under_way = 0
        self.answers = 0
        self.answering = asyncio.Event()
        """The app has done what `path` is for; its answer may be held."""
        self.status: int | None = None
        """Answer below `path` with this and a page of HTML, and do not ask the app."""

    def hold(self, everything: bool = False) -> None:
        """No answer to `path`, or to anything, leaves before the `release`."""
        self._holds_everything = everything
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.under_way += 1
        try:
            if self.status is not None and scope["path"].startswith(self._path):
                await _answer_in_html(self.status, send)
            else:
                await self._app(scope, receive, self._holding(scope["path"], send))
        finally:
            self.under_way -= 1

    def _holding(self, path: str, send: ASGISendCallable) -> ASGISendCallable:
        async def held_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                if path == self._path:
                    self.answers += 1
                    self.answering.set()
                if path == self._path or self._holds_everything:
                    await self._open.wait()
            await send(message)

        return held_send


@asynccontextmanager
async def served(app: ASGIFramework, endpoint: Endpoint) -> AsyncIterator[None]:
    """`app` at an open endpoint, by the server of production."""
    stop = asyncio.Event()
    endpoint.config.errorlog = logging.getLogger("hypercorn.error")

    async def until_stopped() -> None:
        await stop.wait()

    task = asyncio.create_task(serve(app, endpoint.config, until_stopped))
    try:
        yield
    finally:
        stop.set()
        await task


async def _answer_in_html(status: int, send: ASGISendCallable) -> None:
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"<h1>Sorry</h1>", "more_body": False})
