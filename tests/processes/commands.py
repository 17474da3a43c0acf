"""`python -m app …` as a person runs it."""

import asyncio
from collections.abc import Mapping

from tests.services import Process


async def command(environment: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """The exit code, and everything that was said, which is never a traceback."""
    process = Process(environment, *arguments)
    try:
        code = await asyncio.to_thread(process.wait)
    finally:
        process.close()
    assert "Traceback" not in process.output, process.output
    return code, process.output
