"""Seals what was recorded, as long as the process runs.

Each process tries; topup.seal_events sees to it that one at a time does.
"""

import asyncio
import logging
import math
from typing import Protocol

from app.database.chain import SealLag
from app.metrics.metrics import Metrics
from app.settings import Settings
from app.tasks import Repeated

log = logging.getLogger(__name__)

DOUBLINGS_MAX = 5
UNKNOWN = math.nan


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
        self._full = False  # the latest batch: there may be more
        failed = metrics.sealer_failures.inc
        self._sealing = Repeated("sealer", self._seal, self._pause, failed, log)

    def start(self) -> None:
        """The gauges are there from now on, unknown (NaN) until the first batch."""
        self._tell(UNKNOWN, UNKNOWN)
        self._sealing.start()

    async def stop(self) -> None:
        """A batch under way is finished by the pool."""
        await self._sealing.stop()

    async def _seal(self) -> None:
        self._full = False
        batch_max = self._settings.seal_batch_max
        self._full = await self._seals.seal(batch_max) >= batch_max
        lag = await self._seals.lag()
        self._tell(lag.events, lag.seconds)

    def _tell(self, events: float, seconds: float) -> None:
        self._metrics.events_unsealed.set(events)
        self._metrics.unsealed_seconds.set(seconds)

    async def _pause(self, failures: int) -> None:
        """Not while there are full batches; longer after failures."""
        if not self._full:
            longer = 2 ** min(failures, DOUBLINGS_MAX)
            await asyncio.sleep(self._settings.seal_seconds * longer)
