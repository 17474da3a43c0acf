"""How many may call PayOS at once, and how many may wait for that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.errors import PayOSUnavailable

RETRY_AFTER_SECONDS = 2


class BulkheadFull(PayOSUnavailable):
    """So many call PayOS that this call was not made."""


class Bulkhead:
    """`at_once` callers may call, `waiting_max` wait for that, each `wait_seconds_max` long."""

    def __init__(self, at_once: int, waiting_max: int, wait_seconds_max: float) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._waiting_max = waiting_max
        self._wait_seconds_max = wait_seconds_max
        self._waiting = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """To call in, first come first served. Raises BulkheadFull."""
        if self._free.locked() and self._waiting >= self._waiting_max:
            raise BulkheadFull(retry_after_seconds=RETRY_AFTER_SECONDS)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._wait_seconds_max):
                await self._free.acquire()
        except TimeoutError:
            raise BulkheadFull(retry_after_seconds=RETRY_AFTER_SECONDS) from None
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._free.release()
