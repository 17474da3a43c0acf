"""PayOS at full speed, in one process: as little work for each webhook as can be.

Started by bench/senders.py, which sends one JSON command a line and gets one JSON answer a line.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop


class Senders:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port

    async def send(
        self,
        target: str,
        cookie: str,
        bodies: list[str],
        connections: int,
        per_second: float | None,
    ) -> dict[str, Any]:
        """Sends each body once to `target`, a method and a path, over so many
        connections, one after another on each.

        With `per_second` they are sent in step with the clock; without, as fast as answers come.
        Gives CLOCK_MONOTONIC of when each was sent, and how many were not answered with 200.
        """
        sent = [0.0] * len(bodies)
        seconds: list[float] = []
        todo = iter(enumerate(bodies))
        head = f"{target} HTTP/1.1\r\nHost: napvi\r\nContent-Type: application/json\r\n"
        head += f"Cookie: {cookie}\r\n" if cookie else ""
        bytes_out = bytes_in = 0
        started, used = time.monotonic(), time.process_time()

        async def send_some() -> None:
            nonlocal bytes_out, bytes_in
            connection = await self._connect()
            for number, body in todo:
                if per_second is not None:
                    await asyncio.sleep(started + number / per_second - time.monotonic())
                sent[number] = time.monotonic()
                request = f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()
                bytes_out += len(request)
                if await connection.ask(request):
                    seconds.append(time.monotonic() - sent[number])
            bytes_in += connection.bytes_in
            connection.transport.abort()

        async with asyncio.TaskGroup() as senders:
            for _ in range(connections):
                senders.create_task(send_some())
        percentiles = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else [0.0] * 99
        return {
            "seconds": time.monotonic() - started,
            "cpu_seconds": time.process_time() - used,
            "p50": percentiles[49],
            "p99": percentiles[98],
            "failed": len(bodies) - len(seconds),
            "sent": sent,
            "bytes_out": bytes_out,
            "bytes_in": bytes_in,
        }

    async def _connect(self) -> "Connection":
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._host, self._port)
        return connection


class Connection(asyncio.Protocol):
    """One request at a time. Answers have a Content-Length and come whole or in pieces."""

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        self._answer: asyncio.Future[bool] | None = None
        self._buffer = self.body = b""
        self.bytes_in = 0

    async def ask(self, request: bytes) -> bool:
        """Whether it was answered with 200; not on a connection that was lost before."""
        if self.transport.is_closing():
            return False
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._answer

    def data_received(self, data: bytes) -> None:
        self.bytes_in += len(data)
        self._buffer += data
        head, end, body = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return
        _, found, rest = head.lower().partition(b"content-length:")
        if found and len(body) < int(rest.partition(b"\r\n")[0]):
            return
        self._buffer, self.body = b"", body
        self._tell(head.startswith(b"HTTP/1.1 200"))

    def connection_lost(self, error: Exception | None) -> None:
        self._tell(False)

    def _tell(self, answered: bool) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answered)


def commands() -> Iterator[Any]:
    while line := sys.stdin.readline():
        yield json.loads(line)


async def main() -> None:
    senders = Senders(sys.argv[1], int(sys.argv[2]))
    for command, arguments in commands():
        print(json.dumps(await getattr(senders, command)(**arguments)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
