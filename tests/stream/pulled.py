"""A subscription whose reader waits for it: pulls what a browser would be sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from app.metrics.labels import StreamClose
from app.model import TxRef
from app.stream.hub import Hub
from app.stream.subscription import Subscription


class Pulled:
    """Stands where a stream stands, between a hub and a browser."""

    def __init__(self, hub: Hub, tx_ref: TxRef, after: int | None) -> None:
        self.subscription: Subscription = hub.subscribe(self, tx_ref, after)
        self._something = asyncio.Event()

    @property
    def cursor(self) -> int | None:
        return self.subscription.cursor

    @property
    def ended(self) -> StreamClose | None:
        return self.subscription.ended

    def ready(self) -> None:
        self._something.set()

    async def next_frames(self, timeout_seconds: float) -> bytes | StreamClose | None:
        """All frames that wait; when there are no more, why it ended; None when none came."""
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._something.wait()
        except TimeoutError:
            return None
        self._something.clear()
        frames = self.subscription.take()
        if self.ended is not None:
            self._something.set()
        return self.ended if frames is None else frames


@asynccontextmanager
async def pulled(hub: Hub, tx_ref: TxRef, after: int | None) -> AsyncIterator[Pulled]:
    """Subscribed inside."""
    reader = Pulled(hub, tx_ref, after)
    hub.enter(reader.subscription)
    try:
        yield reader
    finally:
        hub.leave(reader.subscription)
