"""Many pages that poll, each at a time of its own.

Started by bench/pollers.py, which sends one JSON command a line and gets one JSON answer a line.
"""

import asyncio
import json
import random
import sys
import time
from typing import Any

import uvloop

from bench.senders_process import Connection

PATIENCE_SECONDS = 30.0


class Pollers:
    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._pages: list[asyncio.Task[tuple[str, float]]] = []

    async def watch(self, whom: list[tuple[str, str]], every_seconds: float) -> dict[str, Any]:
        begun = asyncio.Barrier(len(whom) + 1)
        self._pages = [
            asyncio.create_task(self._poll(tx_ref, cookie, every_seconds, begun))
            for tx_ref, cookie in whom
        ]
        async with asyncio.timeout(PATIENCE_SECONDS):
            await begun.wait()
        return {}

    async def wait(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return {"arrivals": await asyncio.gather(*self._pages)}

    async def _poll(
        self, tx_ref: str, cookie: str, every_seconds: float, begun: asyncio.Barrier
    ) -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(Connection, self._host, self._port)
        head = f"GET /api/topup/status?tx_ref={tx_ref} HTTP/1.1\r\nHost: napvi\r\n"
        request = f"{head}Cookie: {cookie}\r\n\r\n".encode()
        assert await connection.ask(request)
        seq = json.loads(connection.body)["seq"]
        await begun.wait()
        await asyncio.sleep(random.random() * every_seconds)
        while (  # noqa: ASYNC110 this is what polling is
            await connection.ask(request) and json.loads(connection.body)["seq"] == seq
        ):
            await asyncio.sleep(every_seconds)
        seen = time.monotonic()
        connection.transport.abort()
        return tx_ref, seen


async def main() -> None:
    pollers = Pollers(sys.argv[1], int(sys.argv[2]))
    while line := await asyncio.to_thread(sys.stdin.readline):
        command, arguments = json.loads(line)
        print(json.dumps(await getattr(pollers, command)(**arguments)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
