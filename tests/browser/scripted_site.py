"""A site of our scripts that speaks HTTP/1.1 on a real socket, and answers as a test tells it."""

import asyncio
import contextlib
import json
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from playwright.async_api import BrowserContext, Page

STATIC = Path(__file__).parents[2] / "app" / "static"
SECONDS_MAX = 8  # less than the patience of a stream, so that it cannot pass for promptness
STREAM, STATUS = "/api/topup/stream", "/api/topup/status"
HELD = "/held"
CUT = "/cut"
EMPTY_PAGE = b"<!doctype html><link rel=icon href=data:,>"
TYPES = {".js": "text/javascript", ".html": "text/html"}


class Stream:
    """A request for the stream, as long as its connection stands."""

    def __init__(
        self, writer: asyncio.StreamWriter, tx_ref: str, last_event_id: str | None
    ) -> None:
        self.tx_ref = tx_ref
        self.last_event_id = last_event_id
        self._writer = writer
        self._begun = False

    def begin(self) -> None:
        """Sends the head, which opens the EventSource."""
        if not self._begun:
            self._begun = True
            self._writer.write(_head(200, "text/event-stream", None))

    def send(self, text: str) -> None:
        self.begin()
        self._writer.write(text.encode())

    def end(self) -> None:
        """Before `begin`: without any answer."""
        self._writer.close()

    def refuse(self, status: int) -> None:
        self._writer.write(_head(status, "text/plain", 0))
        self._writer.close()


class Site:
    """`stream` holds what the next streams do, `status` the next answers.

    When none is left, a stream stays silent and `otherwise` answers a status request; if that is
    None, nobody does.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.stream: deque[Callable[[Stream], None]] = deque()
        self.status: deque[tuple[int, object]] = deque()
        self.otherwise: tuple[int, object] | None = None
        self.files: dict[str, bytes] = {}
        self.asked = {STREAM: 0, STATUS: 0}
        self.held = 0
        self.let_go = asyncio.Event()
        """What asks for `HELD` waits for it."""
        self.open_streams: list[Stream] = []
        self.news = asyncio.Condition()

    async def open(self, context: BrowserContext, host: str = "127.0.0.1") -> Page:
        """An empty page of the site."""
        page = await context.new_page()
        await page.goto(f"http://{host}:{self.port}/")
        return page

    async def start_anew(self) -> None:
        """As if nothing had been planned or asked, once no stream is open."""
        await self.until(lambda: not self.open_streams)
        self.stream.clear()
        self.status.clear()
        self.asked = dict.fromkeys(self.asked, 0)

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(SECONDS_MAX), self.news:
            await self.news.wait_for(holds)

    async def until_asked(self, path: str, times: int) -> None:
        await self.until(lambda: self.asked[path] == times)

    async def only_stream(self) -> Stream:
        await self.until(lambda: len(self.open_streams) == 1)
        return self.open_streams[0]

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The requests of one connection, one after the other."""
        with suppress(ConnectionError, asyncio.IncompleteReadError), contextlib.closing(writer):
            while not writer.is_closing():
                target, headers = await _read_head(reader)
                await self._answer_one(urlsplit(target), headers, reader, writer)
                await writer.drain()

    async def _answer_one(
        self,
        target: SplitResult,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        path = target.path
        if path in self.asked:
            self.asked[path] += 1
            await self._tell()
        if path == STREAM:
            tx_ref = target.query.removeprefix("tx_ref=")
            stream = Stream(writer, tx_ref, headers.get("last-event-id"))
            self.open_streams.append(stream)
            if self.stream:
                self.stream.popleft()(stream)
            await self._tell()
            await reader.read()  # until the browser goes
            writer.close()
            self.open_streams.remove(stream)
            await self._tell()
        elif path == STATUS:
            answer = self.status.popleft() if self.status else self.otherwise
            if answer is None:
                await reader.read()
                writer.close()
                return
            code, document = answer
            _write(writer, code, "application/json", json.dumps(document).encode())
        elif path == CUT:
            writer.write(_head(200, "text/html", 2 * len(EMPTY_PAGE)) + EMPTY_PAGE)
            writer.close()
        else:
            if path == HELD:
                self.held += 1
                await self._tell()
                await self.let_go.wait()
            _write(writer, 200, *self._file(path))

    def _file(self, path: str) -> tuple[str, bytes]:
        if path.startswith("/static/"):
            file = STATIC / path.removeprefix("/static/")
            return TYPES[file.suffix], file.read_bytes()
        return TYPES.get(Path(path).suffix, "text/html"), self.files.get(path, EMPTY_PAGE)

    async def _tell(self) -> None:
        async with self.news:
            self.news.notify_all()


@asynccontextmanager
async def scripted_site() -> AsyncIterator[Site]:
    listening = socket.create_server(("127.0.0.1", 0), backlog=100)
    site = Site(listening.getsockname()[1])
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(site.answer(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, sock=listening)
    try:
        yield site
    finally:
        server.close()
        ending = [*connections]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)


def says(text: str) -> Callable[[Stream], None]:
    """A stream that begins with `text` and goes on."""
    return lambda stream: stream.send(text)


def says_and_ends(text: str) -> Callable[[Stream], None]:
    def run(stream: Stream) -> None:
        stream.send(text)
        stream.end()

    return run


def refuses(status: int) -> Callable[[Stream], None]:
    return lambda stream: stream.refuse(status)


def update(seq: int, **members: object) -> dict[str, object]:
    """What the tests need of a frame's data."""
    return {"seq": seq, "status": "pending", "final": False} | members


def frame(seq: int, event: str = "status-update", **members: object) -> str:
    return f"event: {event}\nid: {seq}\ndata: {json.dumps(update(seq, **members))}\n\n"


def error(code: str, retry_seconds: float = 2.0) -> str:
    return f"event: error\ndata: {json.dumps({'code': code, 'retry_seconds': retry_seconds})}\n\n"


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]]:
    """The target and the headers of a request without a body."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    fields = (line.partition(":") for line in lines if line)
    return first.split()[1], {name.lower(): value.strip() for name, _, value in fields}


def _write(writer: asyncio.StreamWriter, status: int, kind: str, body: bytes) -> None:
    writer.write(_head(status, kind, len(body)) + body)


def _head(status: int, kind: str, length: int | None) -> bytes:
    end = "Connection: close" if length is None else f"Content-Length: {length}"
    lines = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {kind}; charset=utf-8",
        "Cache-Control: no-cache",
        end,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
