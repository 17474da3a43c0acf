"""From dirty marks to frames: whatever woke a top-up, the table decides what its streams get."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from enum import IntEnum
from functools import cache
from itertools import chain, groupby, islice
from operator import attrgetter
from time import monotonic
from typing import NamedTuple

from app.errors import DatabaseUnavailable
from app.metrics.labels import StreamClose
from app.metrics.metrics import Metrics
from app.model import TopupUpdate, TxRef
from app.stream.frames import update_frame
from app.stream.subscription import Subscription

log = logging.getLogger(__name__)

TX_REFS_PER_READ_MAX = 1_000
RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 5.0

ReadUpdates = Callable[[Mapping[TxRef, int | None]], Awaitable[Sequence[TopupUpdate]]]
"""Of each top-up together, oldest first: every update after its cursor and always the head, which
is all that None asks for."""


class Cause(IntEnum):
    """Why a top-up is read; of several causes the smallest counts."""

    WAKE = 1  # a notification
    ENTER = 2  # a new stream
    RECONNECT = 3
    SWEEP = 4


class Mark(NamedTuple):
    """A cause and when it came."""

    cause: Cause
    at: float


class Reader:
    """Takes all dirty top-ups, reads them in one query and gives the frames to their streams.

    `on_given(tx_ref, seq)` is called when they have all up to this seq.
    """

    def __init__(
        self,
        read_updates: ReadUpdates,
        streams_of: Callable[[TxRef], Sequence[Subscription]],
        on_given: Callable[[TxRef, int], None],
        metrics: Metrics,
    ) -> None:
        self._read_updates = read_updates
        self._streams_of = streams_of
        self._on_given = on_given
        self._metrics = metrics
        self._dirty: dict[TxRef, Mark] = {}  # in the order in which they came
        self._work = asyncio.Event()

    def mark(self, tx_refs: Iterable[TxRef], cause: Cause) -> None:
        """Something may have happened to these top-ups."""
        mark = Mark(cause, monotonic())
        for tx_ref in tx_refs:
            self._mark(tx_ref, mark)

    def _mark(self, tx_ref: TxRef, mark: Mark) -> None:
        self._dirty[tx_ref] = min(self._dirty.get(tx_ref, mark), mark)
        self._work.set()

    async def run(self) -> None:
        """Reads for ever. What cannot be read stays marked, and is tried again."""
        retry_seconds = RETRY_SECONDS_MIN
        while True:
            await self._work.wait()
            try:
                await self._read_marked()
                retry_seconds = RETRY_SECONDS_MIN
            except Exception as error:
                surprise = None if isinstance(error, DatabaseUnavailable) else error
                log.warning(
                    "event=stream.read_failed reason=%s retry_seconds=%g",
                    type(error).__name__,
                    retry_seconds,
                    exc_info=surprise,
                )
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, RETRY_SECONDS_MAX)

    async def _read_marked(self) -> None:
        marks = dict(islice(self._dirty.items(), TX_REFS_PER_READ_MAX))
        for tx_ref in marks:
            del self._dirty[tx_ref]
        if not self._dirty:
            self._work.clear()
        # Those of now only: who comes during the read may have seen more than the read will show.
        streams = {tx_ref: found for tx_ref in marks if (found := self._streams_of(tx_ref))}
        if not streams:
            return
        self._metrics.read_batch_topups.observe(len(streams))
        try:
            updates = await self._read_updates(
                {tx_ref: _earliest_cursor(found) for tx_ref, found in streams.items()}
            )
        except BaseException:
            for tx_ref in streams:
                self._mark(tx_ref, marks[tx_ref])
            raise
        read = monotonic()
        for tx_ref, history in groupby(updates, key=attrgetter("tx_ref")):
            self._give_out(tuple(history), streams.pop(tx_ref), marks[tx_ref], read)
        for lost in chain.from_iterable(streams.values()):  # who asks again gets its 404
            lost.end(StreamClose.LOST)

    def _give_out(
        self,
        updates: Sequence[TopupUpdate],
        streams: Iterable[Subscription],
        mark: Mark,
        read: float,
    ) -> None:
        encode_once = cache(update_frame)  # all of them get the same bytes object
        frames = sum(s.give(updates, encode_once) for s in streams if s.ended is None)
        head = updates[-1]
        self._on_given(head.tx_ref, head.seq)
        self._metrics.frames_sent.inc(frames)
        if frames == 0 or mark.cause not in {Cause.WAKE, Cause.SWEEP}:
            return
        if mark.cause is Cause.SWEEP:
            self._metrics.sweep_hits.inc()
        else:
            self._metrics.wake_to_frame_seconds.observe(monotonic() - mark.at)
        # Both times are the database's; what came after its answer is added.
        age_seconds = (head.read_at - head.recorded_at).total_seconds() + monotonic() - read
        self._metrics.commit_to_frame_seconds.observe(age_seconds)


def _earliest_cursor(streams: Iterable[Subscription]) -> int | None:
    """Serves all of them; None when all of them want the current state alone."""
    return min((s.cursor for s in streams if s.cursor is not None), default=None)
