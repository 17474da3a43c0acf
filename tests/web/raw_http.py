"""A browser that writes its requests by hand, byte by byte."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.web.line import PATIENCE_SECONDS


def address(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").split(":")
    return host, int(port)


async def answer_to(url: str, request: bytes, *enough: bytes) -> bytes:
    """What comes back until the service closes the connection, or has said one of `enough`."""
    async with connection(url) as (reader, writer), asyncio.timeout(PATIENCE_SECONDS):
        writer.write(request)
        answer = b""
        while not any(words in answer for words in enough):
            if not (chunk := await reader.read(65536)):
                break
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
