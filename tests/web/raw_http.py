"""A browser that writes its requests by hand, byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.web.line import PATIENCE_SECONDS

SILENCE_SECONDS = 0.5


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


async def answer_to(url: str, request: bytes) -> bytes:
    """All that comes back until the service closes the connection, or says nothing for a while.

    It may take its time to begin.
    """
    async with connection(url) as (reader, writer):
        writer.write(request)
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = chunk = await reader.read(65536)
        with suppress(TimeoutError):
            while chunk:
                async with asyncio.timeout(SILENCE_SECONDS):
                    chunk = await reader.read(65536)
                answer += chunk
        return answer


@asynccontextmanager
async def connection(
    url: str,
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        reader, writer = await asyncio.open_connection(*address(url))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
