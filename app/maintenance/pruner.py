"""Forgets what has been kept long enough, as long as the process runs: docs/operations.md.

Each process tries; of all processes one at a time removes rows, few in each commit, so that
nobody waits for it.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from app.metrics.labels import Pruned
from app.metrics.metrics import Metrics
from app.tasks import Repeated

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.05  # between commits: payments come first
FIRST_SECONDS_MAX = 60.0  # after the start, when a crowd may be coming back


class Pruner:
    """`prune(kind)` removes one batch: how many rows, and whether there may be more."""

    def __init__(
        self,
        prune: Callable[[Pruned], Awaitable[tuple[int, bool]]],
        metrics: Metrics,
        every_seconds: float,
    ) -> None:
        self._prune = prune
        self._metrics = metrics
        self._every_seconds = every_seconds
        failed = metrics.pruner_failures.inc
        self._rounds = Repeated("pruner", self._walk, self._pause, failed, log)

    def start(self) -> None:
        first_seconds = min(self._every_seconds, FIRST_SECONDS_MAX) * random.random()  # noqa: S311
        self._rounds.start(first_seconds)

    async def stop(self) -> None:
        """Breaks off; a batch under way commits or not."""
        await self._rounds.stop()

    async def round(self) -> dict[Pruned, int]:
        """Removes all there is to remove; how many rows of each kind. Raises DatabaseUnavailable,
        then some may be removed.
        """
        return {kind: await self._prune_all(kind) for kind in Pruned}

    async def _prune_all(self, kind: Pruned) -> int:
        total, more = 0, True
        while more:
            rows, more = await self._prune(kind)
            self._metrics.rows_pruned.labels(kind).inc(rows)
            total += rows
            if more:
                await asyncio.sleep(PAUSE_SECONDS)
        return total

    async def _walk(self) -> None:
        pruned = await self.round()
        if any(pruned.values()):
            log.info("event=pruned %s", " ".join(f"{k}={n}" for k, n in pruned.items()))

    async def _pause(self, failures: int) -> None:
        await asyncio.sleep(self._every_seconds)
