"""From dirty marks to frames: whatever woke a top-up, the table decides what its streams get."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby, islice
from operator import attrgetter

from app.errors import DatabaseUnavailable
from app.model import TopupUpdate, TxRef
from app.stream.frames import update_frame
from app.stream.subscription import Subscription

log = logging.getLogger(__name__)

TX_REFS_PER_READ_MAX = 1_000
RETRY_SECONDS_MIN = 0.1
RETRY_SECONDS_MAX = 5.0

ReadUpdates = Callable[[Mapping[TxRef, int | None]], Awaitable[Sequence[TopupUpdate]]]
"""Ordered by tx_ref and seq: every update after each cursor and always the head, which is all
that None asks for."""


class Reader:
    """Takes all dirty top-ups, reads them in one query and gives the frames to their streams."""

    def __init__(
        self,
        read_updates: ReadUpdates,
        streams_of: Callable[[TxRef], Sequence[Subscription]],
    ) -> None:
        self._read_updates = read_updates
        self._streams_of = streams_of
        self._dirty: dict[TxRef, None] = {}  # a set that remembers who came first
        self._work = asyncio.Event()

    def mark(self, tx_refs: Iterable[TxRef]) -> None:
        """Something may have happened to these top-ups."""
        self._dirty.update(dict.fromkeys(tx_refs))
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
                    "event=stream.read_failed error=%s retry_seconds=%g",
                    type(error).__name__,
                    retry_seconds,
                    exc_info=surprise,
                )
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, RETRY_SECONDS_MAX)

    async def _read_marked(self) -> None:
        batch = list(islice(self._dirty, TX_REFS_PER_READ_MAX))
        for tx_ref in batch:
            del self._dirty[tx_ref]
        if not self._dirty:
            self._work.clear()
        # Those of now only: who comes during the read may have seen more than the read will show.
        streams = {tx_ref: found for tx_ref in batch if (found := self._streams_of(tx_ref))}
        if not streams:
            return
        try:
            updates = await self._read_updates(
                {tx_ref: _earliest_cursor(found) for tx_ref, found in streams.items()}
            )
        except BaseException:
            self.mark(streams)
            raise
        for tx_ref, history in groupby(updates, key=attrgetter("tx_ref")):
            _give_out(tuple(history), streams[tx_ref])


def _earliest_cursor(streams: Iterable[Subscription]) -> int | None:
    """Serves all of them; None when all of them want the current state alone."""
    return min((s.cursor for s in streams if s.cursor is not None), default=None)


def _give_out(updates: Sequence[TopupUpdate], streams: Iterable[Subscription]) -> None:
    encode_once = cache(update_frame)  # all of them get the same bytes object
    for stream in streams:
        if stream.ended is None:
            stream.give(updates, encode_once)
