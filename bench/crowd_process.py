"""Many browsers that stream, in one process: as little work for each as can be.

Started by bench/crowd.py, which sends one JSON command a line and gets one JSON answer a line.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import Iterator
from typing import Any

import uvloop

UPDATE = b"event: status-update"
SOURCES = tuple(f"127.0.0.{number}" for number in range(2, 12))  # each has ports of its own
PATIENCE_SECONDS = 20.0
CLOSING_SECONDS = 0.01


class Crowd:
    """All streams of this process, and what they got since the last `forget`."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._streams: set[Stream] = set()
        self.arrivals: list[tuple[str, float]] = []
        self.bytes_out = self.bytes_in = 0
        self._forgot_at = 0.0

    async def open(self, whom: list[tuple[str, str]], at_once: int) -> dict[str, Any]:
        """Opens a stream for each (tx_ref, cookie); one is open once its first state is there."""
        started = time.perf_counter()
        seconds: list[float] = []
        todo = iter(enumerate(whom))
        async with asyncio.TaskGroup() as openers:
            for _ in range(at_once):
                openers.create_task(self._open_next(todo, seconds))
        elapsed = time.perf_counter() - started
        percentiles = statistics.quantiles(seconds, n=100)
        failed = len(whom) - len(seconds)
        return {
            "seconds": elapsed,
            "p50": percentiles[49],
            "p99": percentiles[98],
            "failed": failed,
        }

    async def close(self) -> dict[str, Any]:
        for stream in self._streams:
            stream.transport.abort()
        while self._streams:  # noqa: ASYNC110 the transports say it one by one
            await asyncio.sleep(CLOSING_SECONDS)
        return {}

    async def forget(self) -> dict[str, Any]:
        self.arrivals.clear()
        self.bytes_out = self.bytes_in = 0
        self._forgot_at = time.process_time()
        return {}

    async def wait(self, updates: int) -> dict[str, Any]:
        """Until so many updates came since `forget`: (tx_ref, CLOCK_MONOTONIC) of each, and the
        CPU of this process in that time.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while len(self.arrivals) < updates and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(CLOSING_SECONDS)
        used = time.process_time() - self._forgot_at
        return {"arrivals": self.arrivals, "cpu_seconds": used}

    async def count(self) -> dict[str, Any]:
        """Bytes since `forget`."""
        return {"bytes_out": self.bytes_out, "bytes_in": self.bytes_in}

    def leave(self, stream: "Stream") -> None:
        self._streams.discard(stream)

    async def _open_next(
        self, todo: Iterator[tuple[int, tuple[str, str]]], seconds: list[float]
    ) -> None:
        loop = asyncio.get_running_loop()
        for number, (tx_ref, cookie) in todo:
            stream = Stream(self, tx_ref, cookie, loop.create_future())
            opened, source = stream.opened, SOURCES[number % len(SOURCES)]
            started = time.perf_counter()
            try:
                await self._connect(stream, source)
                self._streams.add(stream)
                if await opened:
                    seconds.append(time.perf_counter() - started)
            except OSError:
                pass  # counted as failed

    async def _connect(self, stream: "Stream", source: str) -> None:
        await asyncio.get_running_loop().create_connection(
            lambda: stream, self._host, self._port, local_addr=(source, 0)
        )


class Stream(asyncio.Protocol):
    """One GET; its frames are counted, not parsed."""

    __slots__ = ("_cookie", "_crowd", "opened", "transport", "tx_ref")

    def __init__(self, crowd: Crowd, tx_ref: str, cookie: str, opened: asyncio.Future[bool]):
        self._crowd, self._cookie = crowd, cookie
        self.tx_ref, self.opened = tx_ref, opened

    def connection_made(self, transport: Any) -> None:
        self.transport: asyncio.Transport = transport
        request = (
            f"GET /api/topup/stream?tx_ref={self.tx_ref} HTTP/1.1\r\nHost: napvi\r\n"
            f"Accept: text/event-stream\r\nCookie: {self._cookie}\r\n\r\n".encode()
        )
        self._crowd.bytes_out += len(request)
        transport.write(request)

    def data_received(self, data: bytes) -> None:
        if UPDATE in data:
            if not self.opened.done():
                self.opened.set_result(True)
            self._crowd.arrivals += [(self.tx_ref, time.monotonic())] * data.count(UPDATE)
        self._crowd.bytes_in += len(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._crowd.leave(self)
        if not self.opened.done():
            self.opened.set_result(False)


async def main() -> None:
    crowd = Crowd(sys.argv[1], int(sys.argv[2]))
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, arguments = json.loads(line)
        used = time.process_time()
        answer = await getattr(crowd, command)(**arguments)
        answer["client_cpu_seconds"] = time.process_time() - used
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
