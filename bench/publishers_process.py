"""Events in step with the clock, in one process, many at a time: what is due goes out together.

Started by bench/publishers.py, which sends one JSON command a line and gets one JSON answer a line.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlsplit

import uvloop
from psycopg import AsyncConnection

from app.payos.webhook import read_webhook
from bench.senders_process import commands
from tests.payments import append_raw, connected, element
from tests.services import CHANNEL, CHECKSUM_KEY

TICK_SECONDS = 0.016
BATCH_MAX = 64  # as many as append_events takes


class Outlet(Protocol):
    def prepare(self, tx_ref: str, event: str) -> Any:
        """What is to be done before the clock runs."""

    async def put(self, prepared: Sequence[Any]) -> float:
        """CLOCK_MONOTONIC of when they were sent. Returns when they are taken."""


class Appends:
    """Webhooks become facts; the facts of one batch share a commit, as in the service."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    def prepare(self, _tx_ref: str, event: str) -> Any:
        return element(read_webhook(event.encode(), [CHECKSUM_KEY], CHANNEL).fact)

    async def put(self, prepared: Sequence[Any]) -> float:
        async with self._connection.transaction():
            outcomes = await append_raw(self._connection, prepared)
            assert {row[0] for row in outcomes} == {"applied"}, outcomes
            return time.monotonic()


class Redis:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def prepare(self, tx_ref: str, event: str) -> bytes:
        words = (b"PUBLISH", f"topup:{tx_ref}".encode(), event.encode())
        return b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)

    async def put(self, prepared: Sequence[bytes]) -> float:
        sent = time.monotonic()
        self._writer.write(b"".join(prepared))
        for _ in prepared:
            answer = await self._reader.readuntil(b"\r\n")
            assert answer == b":1\r\n", answer  # so many subscribers got it
        return sent


class Nchan:
    """Requests one behind the other on one connection, without waiting for answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def prepare(self, tx_ref: str, event: str) -> bytes:
        head = f"POST /publish?tx_ref={tx_ref} HTTP/1.1\r\nHost: nchan\r\n"
        return f"{head}Content-Length: {len(event)}\r\n\r\n{event}".encode()

    async def put(self, prepared: Sequence[bytes]) -> float:
        sent = time.monotonic()
        self._writer.write(b"".join(prepared))
        for _ in prepared:
            head = await self._reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 20"), head
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            await self._reader.readexactly(int(length))
        return sent


@asynccontextmanager
async def outlet_at(url: str) -> AsyncIterator[Outlet]:
    """The one that `url` is an address of."""
    address = urlsplit(url)
    match address.scheme:
        case "unix":
            yield Redis(*await asyncio.open_unix_connection(address.path))
        case "http":
            yield Nchan(*await asyncio.open_connection(address.hostname, address.port))
        case _:
            async with connected(url, "topup_app") as connection:
                yield Appends(connection)


async def publish(
    outlet: Outlet, events: list[tuple[str, str]], per_second: float | None
) -> dict[str, Any]:
    """`sent` is when an event was really sent, also when that was late; `taken` when it was known
    to be committed, or passed on.
    """
    prepared = [outlet.prepare(*event) for event in events]
    sent: list[float] = []
    taken: list[float] = []
    started, used = time.monotonic(), time.process_time()
    while len(sent) < len(prepared):
        due = len(prepared)
        if per_second is not None:
            due = min(due, int((time.monotonic() - started) * per_second))
        batch = prepared[len(sent) : min(due, len(sent) + BATCH_MAX)]
        if batch:
            sent += [await outlet.put(batch)] * len(batch)
            taken += [time.monotonic()] * len(batch)
        if per_second is not None:
            elapsed = time.monotonic() - started
            late = elapsed * per_second - len(sent) >= BATCH_MAX
            await asyncio.sleep(0 if late else TICK_SECONDS - elapsed % TICK_SECONDS)
    return {
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time() - used,
        "sent": sent,
        "taken": taken,
    }


async def main() -> None:
    async with outlet_at(sys.argv[1]) as outlet:
        for command, arguments in commands():
            assert command == "publish", command
            print(json.dumps(await publish(outlet, **arguments)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
