"""Leases of streams: the limit of a user holds, and a logout reaches, across all processes.

One task asks the database, one statement at a time, and what arrives meanwhile shares the next:
ten thousand browsers that come back at once are some forty statements.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import Protocol

from app.admission import EndedStream, StreamId, StreamOpening, StreamRequest, StreamVerdict
from app.errors import DatabaseUnavailable
from app.metrics.labels import StreamClose
from app.metrics.metrics import Metrics
from app.model import UserId
from app.tasks import watched

log = logging.getLogger(__name__)

OPENINGS_PER_STATEMENT_MAX = 256
PAUSE_SECONDS = 0.5  # after a failure


class Holder(Protocol):
    """A stream, as far as its lease goes."""

    request: StreamRequest
    user_id: UserId | None

    def end(self, reason: StreamClose) -> None: ...


class LeaseBook(Protocol):
    """Where leases are written down: app.database.leases.LeaseStore."""

    async def open(self, requests: Sequence[StreamRequest]) -> list[StreamOpening]: ...

    async def close(self, stream_ids: Sequence[StreamId]) -> None: ...

    async def ended(self) -> list[EndedStream]: ...

    async def expire(self) -> int: ...

    async def reconcile(self, leased: Sequence[tuple[UserId, StreamRequest]]) -> None: ...


class Leases:
    """The leases of one process. Belongs to the event loop."""

    def __init__(self, book: LeaseBook, check_seconds: float, metrics: Metrics) -> None:
        self._book = book
        self._check_seconds = check_seconds
        self._metrics = metrics
        self._held: dict[StreamId, Holder] = {}
        self._opening: dict[StreamId, tuple[Holder, asyncio.Future[StreamVerdict]]] = {}
        self._closing: set[StreamId] = set()
        self._work = asyncio.Event()
        self._look_for_ended = False
        self._reconcile = False
        self._working: asyncio.Task[None] | None = None
        self._checking: asyncio.TimerHandle | None = None
        self._check_due = False

    def __len__(self) -> int:
        return len(self._held)

    def start(self) -> None:
        self._working = watched(self._run(), "leases")
        self._checking = asyncio.get_running_loop().call_later(self._check_seconds, self._check)

    async def stop(self) -> None:
        """Gives everything back. What fails to be is forgotten when the process has ended."""
        if self._checking is not None:
            self._checking.cancel()
        if self._working is not None:
            self._working.cancel()
            await asyncio.wait({self._working})
            self._refuse_waiting()
            self._closing.update(self._held)
            with suppress(DatabaseUnavailable):
                await self._close_some()

    async def open(self, holder: Holder) -> StreamVerdict:
        """Whether it may stream; sets its user_id if so.

        Raises DatabaseUnavailable, and always does after the stop.

        Call `close` afterwards, whatever came of it.
        """
        if self._working is not None and self._working.done():
            raise DatabaseUnavailable
        decided: asyncio.Future[StreamVerdict] = asyncio.get_running_loop().create_future()
        self._opening[holder.request.stream_id] = holder, decided
        self._work.set()
        return await decided

    def close(self, holder: Holder) -> None:
        """Gives its lease back, if it has one or is about to get one. Does not wait."""
        stream_id = holder.request.stream_id
        self._held.pop(stream_id, None)
        if stream_id in self._opening:
            _, decided = self._opening.pop(stream_id)
            decided.cancel()  # whoever waits for it would wait for ever
        self._closing.add(stream_id)
        self._work.set()

    def wake(self) -> None:
        """Another process may have ended some of ours."""
        self._look_for_ended = True
        self._work.set()

    def reconcile(self) -> None:
        """The database may have lost our leases, and we what became of their logins."""
        self._reconcile = self._check_due = True
        self._work.set()

    def _check(self) -> None:
        self._check_due = True
        self._work.set()
        self._checking = asyncio.get_running_loop().call_later(self._check_seconds, self._check)

    async def _run(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            try:
                await self._close_some()
                await self._open_some()
                await self._end_some()
            except Exception as error:
                surprise = None if isinstance(error, DatabaseUnavailable) else error
                log.warning(
                    "event=leases.failed reason=%s", type(error).__name__, exc_info=surprise
                )
                self._refuse_waiting()
                await asyncio.sleep(PAUSE_SECONDS)
                self.reconcile()

    async def _close_some(self) -> None:
        closing, self._closing = self._closing, set()
        if closing:
            await self._book.close(list(closing))

    async def _open_some(self) -> None:
        waiting = islice(self._opening.values(), OPENINGS_PER_STATEMENT_MAX)
        requests = [holder.request for holder, _ in waiting]
        if not requests:
            return
        self._metrics.stream_open_batch.observe(len(requests))
        for opening in await self._book.open(requests):
            holder, decided = self._opening.pop(opening.stream_id, (None, None))
            if holder is None or decided is None or decided.done():
                continue  # it left meanwhile, and what it got is on its way back
            if opening.verdict is StreamVerdict.OPEN:
                holder.user_id = opening.user_id
                self._held[opening.stream_id] = holder
            decided.set_result(opening.verdict)
        if self._opening:
            self._work.set()

    def _refuse_waiting(self) -> None:
        for _, decided in self._opening.values():
            if not decided.done():
                decided.set_exception(DatabaseUnavailable())
                decided.exception()  # seen: who asked may have gone
        self._opening.clear()

    async def _end_some(self) -> None:
        if self._reconcile:
            self._reconcile = False
            await self._book.reconcile(self._leased())
        if self._check_due:
            self._check_due = False
            if await self._book.expire() < len(self._leased()):
                self.reconcile()  # somebody took us for dead
            self._look_for_ended = True
        if self._look_for_ended:
            self._look_for_ended = False
            for ended in await self._book.ended():
                if (holder := self._held.pop(ended.stream_id, None)) is not None:
                    holder.end(StreamClose(ended.ended))

    def _leased(self) -> list[tuple[UserId, StreamRequest]]:
        return [(h.user_id, h.request) for h in self._held.values() if h.user_id is not None]
