"""Seals what was recorded, as long as the process runs.

Each process tries; topup.seal_events sees to it that one at a time does.
"""

import asyncio
import logging
from typing import Protocol

from app.database.chain import SealLag
from app.errors import DatabaseUnavailable
from app.metrics import Metrics
from app.settings import Settings

log = logging.getLogger(__name__)

DOUBLINGS_MAX = 5


class Seals(Protocol):
    """Where the seals are: app.database.chain.Chain."""

    async def seal(self, events_max: int) -> int: ...

    async def lag(self) -> SealLag: ...


class Sealer:
    """The sealing of one process. Belongs to the event loop."""

    def __init__(self, seals: Seals, settings: Settings, metrics: Metrics) -> None:
        self._seals = seals
        self._settings = settings
        self._metrics = metrics
        self._sealing: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._sealing = asyncio.create_task(self._go_on(), name="sealer")

    async def stop(self) -> None:
        """A batch under way is finished by the pool."""
        if self._sealing is not None:
            self._sealing.cancel()
            await asyncio.wait([self._sealing])

    async def _go_on(self) -> None:
        """Batch after batch while there are full ones; then a pause, longer after failures."""
        failures = 0
        while True:
            sealed = 0
            try:
                sealed = await self._seals.seal(self._settings.seal_batch_max)
                lag = await self._seals.lag()
                self._metrics.events_unsealed.set(lag.events)
                self._metrics.unsealed_seconds.set(lag.seconds)
                failures = 0
            except Exception as error:
                failures += 1
                self._metrics.sealer_failures.inc()
                surprise = None if isinstance(error, DatabaseUnavailable) else error
                reason = type(error).__name__
                log.error("event=sealer.failed reason=%s", reason, exc_info=surprise)
            if sealed < self._settings.seal_batch_max:
                longer = 2 ** min(failures, DOUBLINGS_MAX)
                await asyncio.sleep(self._settings.seal_seconds * longer)
