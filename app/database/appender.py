"""Natural batching: while one append commits, the facts that arrive wait together for the next.

A notifying transaction holds a cluster-wide lock to the end of its commit, so payments that
commit one by one commit one fsync after the other. One flusher per process, no timer: a fact
that comes alone waits for nobody.

When a batch waited too long, mostly for the lock of one top-up, its top-ups go on without each
other, so that only who is behind that lock is told to come again. When there is no database,
everybody is told at once: PayOS does not wait for long.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from app.database.connections import Away
from app.database.pool import Stalled
from app.errors import DatabaseUnavailable
from app.metrics.metrics import Metrics
from app.model import Appended, Fact, Outcome

log = logging.getLogger(__name__)

AppendEvents = Callable[[Sequence[Fact]], Awaitable[list[Appended]]]
Waiting = tuple[Fact, asyncio.Future[Appended]]


def measured(append_events: AppendEvents, metrics: Metrics) -> AppendEvents:
    """The same, counted and timed, also when it fails."""

    async def append(facts: Sequence[Fact]) -> list[Appended]:
        metrics.append_batch_facts.observe(len(facts))
        started = time.monotonic()
        try:
            return await append_events(facts)
        finally:
            metrics.append_seconds.observe(time.monotonic() - started)

    return append


class Appender:
    """Takes facts one by one and appends them in batches.

    `batch_max`: facts in one commit. `queue_max`: facts that may wait; more are refused.
    `parts_at_once`: of a batch that is taken apart; no more than there are connections, for which
    a part that nothing holds up would wait in vain.
    """

    def __init__(
        self,
        append_events: AppendEvents,
        batch_max: int,
        queue_max: int,
        parts_at_once: int = 1,
    ) -> None:
        self._append_events = append_events
        self._batch_max = batch_max
        self._queue_max = queue_max
        self._place_for_part = asyncio.Semaphore(parts_at_once)
        self._waiting: list[Waiting] = []
        self._flusher: asyncio.Task[None] | None = None

    async def append(self, fact: Fact) -> Appended:
        """What became of the fact, after COMMIT. Goes on when the caller is cancelled.

        Raises DatabaseUnavailable when nothing was recorded, or nobody can tell: append it again.
        """
        if len(self._waiting) >= self._queue_max:
            raise DatabaseUnavailable("Too many payments are waiting; try again.")
        committed: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self._waiting.append((fact, committed))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush())
        return await asyncio.shield(committed)

    async def drain(self) -> None:
        """Returns when every fact taken so far has its answer."""
        if self._flusher is not None:
            await asyncio.wait([self._flusher])

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[: self._batch_max]
                del self._waiting[: self._batch_max]
                await self._commit(batch)
        finally:
            self._flusher = None

    async def _commit(self, batch: list[Waiting]) -> None:
        try:
            answers = await self._append_events([fact for fact, _ in batch])
        except Stalled as stall:
            apart = _by_topup(batch)
            if len(apart) == 1:
                _refuse(batch, stall)
            else:
                log.warning("event=append.parted facts=%d topups=%d", len(batch), len(apart))
                await asyncio.gather(*(self._commit_part(own) for own in apart))
        except Away as error:
            batch += self._waiting
            self._waiting.clear()
            _refuse(batch, error)
        except Exception as error:
            _refuse(batch, error)
        else:
            for (fact, committed), answer in zip(batch, answers, strict=True):
                if answer.outcome is Outcome.REJECTED:
                    _tell_rejected(fact, answer)
                committed.set_result(answer)

    async def _commit_part(self, own: list[Waiting]) -> None:
        async with self._place_for_part:
            await self._commit(own)


def _by_topup(batch: Sequence[Waiting]) -> list[list[Waiting]]:
    """The batch in parts that are about one top-up each, as far as the facts tell."""
    parts: dict[object, list[Waiting]] = {}
    for fact, committed in batch:
        key = fact.tx_ref or fact.data.get("order_code")
        parts.setdefault(key, []).append((fact, committed))
    return list(parts.values())


def _tell_rejected(fact: Fact, answer: Appended) -> None:
    told = (fact.type, fact.event_id, fact.tx_ref, answer.sqlstate)
    log.error("event=append.rejected type=%s event_id=%s tx_ref=%s sqlstate=%s", *told)


def _refuse(batch: Sequence[Waiting], error: Exception) -> None:
    """Answered to every caller, who may have gone: read once so that nobody warns of it."""
    log.error("event=append.failed facts=%d reason=%s", len(batch), type(error).__name__)
    for _, committed in batch:
        committed.set_exception(error)
        committed.exception()
