"""What waits for a person, for `/metrics`: read from the database when somebody asks."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from time import monotonic

from app.database.review import ReviewCounts
from app.errors import DatabaseUnavailable
from app.metrics.metrics import Metrics

log = logging.getLogger(__name__)

UNKNOWN = math.nan


class ReviewGauges:
    """Sets the gauges, and asks the database at most once in `age_seconds_max`.

    Of the processes that share their metrics the latest to be asked speaks for all.
    """

    def __init__(
        self,
        counts: Callable[[], Awaitable[ReviewCounts]],
        metrics: Metrics,
        age_seconds_max: float,
        timeout_seconds: float,
    ) -> None:
        self._counts = counts
        self._metrics = metrics
        self._age_seconds_max = age_seconds_max
        self._timeout_seconds = timeout_seconds
        self._fresh_until = 0.0
        self._asking = asyncio.Lock()

    async def refresh(self) -> None:
        """Returns with gauges that are fresh, or unknown (NaN) while the database is away."""
        async with self._asking:
            if monotonic() < self._fresh_until:
                return
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    found = await self._counts()
            except (DatabaseUnavailable, TimeoutError) as error:
                log.warning("event=review.unknown reason=%s", type(error).__name__)
                self._set(UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
            else:
                self._set(
                    found.suspense_transfers,
                    found.suspense_vnd,
                    found.conflicts_open,
                    found.bodies_unread,
                )
            self._fresh_until = monotonic() + self._age_seconds_max

    def _set(self, transfers: float, vnd: float, conflicts: float, bodies: float) -> None:
        self._metrics.suspense_transfers.set(transfers)
        self._metrics.suspense_vnd.set(vnd)
        self._metrics.conflicts_open.set(conflicts)
        self._metrics.bodies_unread.set(bodies)
