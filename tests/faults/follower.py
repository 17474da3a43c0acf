"""An EventSource as the WHATWG standard has it, which insists on seeing everything once, in order.

Cheap enough for thousands in one process. It reconnects after a clean end and after a broken
connection, after the time that `retry:` names, with the id it saw last; 204 ends it, and so does
any other status than 200, as a browser gives up then.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from tests.faults.http_stream import HttpStream
from tests.stream.event_source import EventSource, Message

RETRY_SECONDS = 0.2
"""Until the server names another; the standard leaves it to the browser."""

FOLLOWED_SECONDS_MAX = 90.0
"""It takes a few; machines can be busy."""


class Broken(AssertionError):
    """A browser would have missed something, or seen it twice, or given up."""


class Follower:
    """Follows one top-up; `run` returns at 204 and raises Broken as soon as anything is wrong.

    `urls` are taken in turn, one for each connection, and may change meanwhile. By default it has
    seen nothing yet and wants the whole history; with `last_event_id=""` it starts at the current
    state.
    """

    def __init__(
        self,
        urls: Sequence[str],
        tx_ref: str,
        cookie: str,
        last_event_id: str = "0",
        expects_reset: bool = False,
    ) -> None:
        self.tx_ref = tx_ref
        self.ids: list[int] = []
        self.times: list[float] = []
        """When each id was seen, by the clock of the event loop."""
        self.connections = 0
        self.breaks = 0
        self.heartbeats = 0
        self.errors: list[str] = []
        self._urls = urls
        self._cookie = cookie
        self._last_event_id = last_event_id
        self._expects_reset = expects_reset
        self._retry_seconds = RETRY_SECONDS
        self._stream: HttpStream | None = None
        self._news = asyncio.Event()

    async def run(self) -> None:
        while True:
            status = await self._connect()
            if status == 204:
                return
            if status not in {0, 200}:
                raise Broken(f"{self.tx_ref}: a browser gives up after status {status}")
            await asyncio.sleep(self._retry_seconds)

    def is_whole(self, head: int, after: int = 0) -> bool:
        """Whether it saw everything later than `after`, up to `head`."""
        return self.ids == list(range(after + 1, head + 1))

    async def saw(self, seq: int) -> None:
        """Returns when `seq` has been seen."""
        while not self.ids or self.ids[-1] < seq:
            self._news.clear()
            await self._news.wait()

    def drop(self) -> None:
        """Loses the connection, as a browser does between two masts."""
        if self._stream is not None:
            self._stream.close()

    async def _connect(self) -> int:
        """The status of one connection once it is over; 0 when there was no answer."""
        host, port = _address(self._urls[self.connections % len(self._urls)])
        source = EventSource(self._last_event_id)
        self.connections += 1
        stream = HttpStream(self._request(), lambda body: self._receive(source, body))
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: stream, host, port)
        except OSError:
            self.breaks += 1
            return 0
        self._stream = stream
        try:
            complete = await stream.ended
        finally:
            stream.close()
        self.breaks += not complete
        return stream.status

    def _request(self) -> bytes:
        lines = [
            f"GET /api/topup/stream?tx_ref={self.tx_ref} HTTP/1.1",
            "Host: napvi",
            "Accept: text/event-stream",
            f"Cookie: {self._cookie}",
        ]
        if self._last_event_id:
            lines.append(f"Last-Event-ID: {self._last_event_id}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _receive(self, source: EventSource, body: bytes) -> None:
        for message in source.feed(body):
            self._check(message)
        source.messages.clear()
        self._last_event_id = source.last_event_id
        if source.retry_milliseconds is not None:
            self._retry_seconds = source.retry_milliseconds / 1000

    def _check(self, message: Message) -> None:
        if message.event == "heartbeat":
            self.heartbeats += 1
        elif message.event == "error":
            self.errors.append(message.json["code"])
        elif message.event == "reset":
            if not self._expects_reset:
                raise Broken(f"{self.tx_ref}: told to start again after {self.ids}")
            self._see(int(message.last_event_id))
        else:
            self._check_order(message)
            self._see(message.json["seq"])

    def _check_order(self, message: Message) -> None:
        seq = message.json["seq"]
        before = self.ids[-1] if self.ids else int(self._last_event_id or seq - 1)
        if message.event != "status-update" or message.last_event_id != str(seq):
            raise Broken(f"{self.tx_ref}: no frame of a state: {message}")
        if seq != before + 1:
            kind = "a gap" if seq > before else "a repeat"
            raise Broken(f"{self.tx_ref}: {kind}: {seq} after {before}")

    def _see(self, seq: int) -> None:
        self.ids.append(seq)
        self.times.append(asyncio.get_running_loop().time())
        self._news.set()


@asynccontextmanager
async def following(followers: Iterable[Follower], to_the_end: bool = True) -> AsyncIterator[None]:
    """They follow while the block runs and then on to 204, for which everything must be paid.

    The block is cancelled as soon as one of them is Broken. Not `to_the_end`: all leave with it.
    """
    async with asyncio.timeout(FOLLOWED_SECONDS_MAX), asyncio.TaskGroup() as group:
        tasks = [group.create_task(follower.run()) for follower in followers]
        yield
        for task in () if to_the_end else tasks:
            task.cancel()


async def all_saw(followers: Iterable[Follower], seq: int) -> None:
    """Returns when each of them has seen `seq`."""
    for follower in followers:
        await follower.saw(seq)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 80
