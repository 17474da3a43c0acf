"""Who streams what. Knows neither psycopg nor Quart.

A new subscription, a notification, a reconnect and the sweep all do the same: they mark a top-up
dirty. One reader takes all dirty top-ups, reads them in one query and gives the frames out. So a
notification that is lost, merged, late or repeated can only change when a frame is sent.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cache
from itertools import groupby, islice
from operator import attrgetter

from app.model import TopupUpdate, TxRef, parse_tx_ref
from app.stream.frames import update_frame
from app.stream.subscription import End, Subscription

log = logging.getLogger(__name__)

TX_REFS_PER_READ_MAX = 1_000
READ_RETRY_SECONDS_MIN = 0.1
READ_RETRY_SECONDS_MAX = 5.0


class Hub:
    """The streams of one process. Belongs to the event loop: nothing here is thread-safe.

    `listen` returns when the LISTEN is committed. `read_updates` gives, ordered by tx_ref and seq,
    every update after each cursor and always the head; None asks for the head alone.
    """

    def __init__(
        self,
        listen: Callable[[TxRef], Awaitable[None]],
        unlisten: Callable[[TxRef], None],
        read_updates: Callable[[Mapping[TxRef, int | None]], Awaitable[Sequence[TopupUpdate]]],
        frames_waiting_max: int,
        sweep_seconds: float,
    ) -> None:
        self._listen = listen
        self._unlisten = unlisten
        self._read_updates = read_updates
        self._frames_waiting_max = frames_waiting_max
        self._sweep_seconds = sweep_seconds
        self._channels: dict[TxRef, _Channel] = {}
        self._dirty: dict[TxRef, None] = {}  # a set that remembers who came first
        self._work = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def streams(self) -> int:
        return sum(len(channel.subscriptions) for channel in self._channels.values())

    @property
    def channels(self) -> int:
        return len(self._channels)

    async def start(self) -> None:
        self._reading = asyncio.create_task(self._read_forever(), name="hub")
        self._sweep()

    async def close(self) -> None:
        """Ends every stream with what waits for it, and refuses new ones the same way."""
        self._closed = True
        tasks = [task for task in (self._reading,) if task is not None]
        for channel in self._channels.values():
            if channel.opening is not None:
                tasks.append(channel.opening)
            for subscription in channel.subscriptions:
                subscription.end(End.SHUTDOWN)
        if self._sweeping is not None:
            self._sweeping.cancel()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def subscribe(self, tx_ref: TxRef, after: int | None) -> Subscription:
        """A stream of what comes after seq `after`; None: from the current state on.

        Raises InvalidRequest for a malformed tx_ref. Whose top-up it is, the caller has checked.
        """
        return Subscription(self, parse_tx_ref(tx_ref), after, self._frames_waiting_max)

    def wake(self, tx_ref: TxRef) -> None:
        """Something may have happened to this top-up."""
        if tx_ref in self._channels:
            self._dirty[tx_ref] = None
            self._work.set()

    def wake_all(self) -> None:
        """Something may have happened to any top-up."""
        self._dirty.update(dict.fromkeys(self._channels))
        self._work.set()

    def enter(self, subscription: Subscription) -> None:
        """The first subscription of a top-up listens; every one gets a read after that."""
        if self._closed:
            subscription.end(End.SHUTDOWN)
            return
        tx_ref = subscription.tx_ref
        channel = self._channels.get(tx_ref)
        if channel is None:
            channel = self._channels[tx_ref] = _Channel()
            channel.opening = asyncio.create_task(self._open(tx_ref, channel))
        channel.subscriptions.add(subscription)
        if channel.opening is None:
            self.wake(tx_ref)

    def leave(self, subscription: Subscription) -> None:
        """The last one unlistens. Does not wait, so that no cancellation can interrupt it."""
        channel = self._channels.get(subscription.tx_ref)
        if channel is None or subscription not in channel.subscriptions:
            return  # it was refused
        channel.subscriptions.remove(subscription)
        if not channel.subscriptions:
            del self._channels[subscription.tx_ref]
            if channel.opening is not None:
                channel.opening.cancel()
            self._unlisten(subscription.tx_ref)

    async def _open(self, tx_ref: TxRef, channel: "_Channel") -> None:
        """LISTEN, then read: in the other order an event between the two is lost."""
        try:
            await self._listen(tx_ref)
        except Exception:
            log.exception("event=hub.not_listening tx_ref=%s", tx_ref)  # the sweep serves it
        channel.opening = None
        self.wake(tx_ref)

    def _sweep(self) -> None:
        self.wake_all()
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(self._sweep_seconds, self._sweep)

    async def _read_forever(self) -> None:
        retry_seconds = READ_RETRY_SECONDS_MIN
        while True:
            await self._work.wait()
            try:
                await self._read_dirty()
                retry_seconds = READ_RETRY_SECONDS_MIN
            except Exception:
                log.exception("event=hub.read_failed retry_seconds=%g", retry_seconds)
                await asyncio.sleep(retry_seconds)
                retry_seconds = min(2 * retry_seconds, READ_RETRY_SECONDS_MAX)

    async def _read_dirty(self) -> None:
        batch = list(islice(self._dirty, TX_REFS_PER_READ_MAX))
        for tx_ref in batch:
            del self._dirty[tx_ref]
        if not self._dirty:
            self._work.clear()
        # Those of now only: who comes during the read may have seen more than the read will show.
        readers = {
            tx_ref: tuple(channel.subscriptions)
            for tx_ref in batch
            if (channel := self._channels.get(tx_ref)) is not None
        }
        if not readers:
            return
        try:
            updates = await self._read_updates(
                {tx_ref: _earliest(subscriptions) for tx_ref, subscriptions in readers.items()}
            )
        except BaseException:
            for tx_ref in readers:
                self.wake(tx_ref)
            raise
        for tx_ref, history in groupby(updates, key=attrgetter("tx_ref")):
            _give_out(tuple(history), readers[tx_ref])


class _Channel:
    """A top-up that is streamed, and the task that listens to it for the first time."""

    __slots__ = ("opening", "subscriptions")

    def __init__(self) -> None:
        self.opening: asyncio.Task[None] | None = None
        self.subscriptions: set[Subscription] = set()


def _earliest(subscriptions: Iterable[Subscription]) -> int | None:
    """The cursor that serves all of them; None when all of them want the current state alone."""
    cursors = (s.cursor for s in subscriptions if s.cursor is not None)
    return min(cursors, default=None)


def _give_out(updates: Sequence[TopupUpdate], subscriptions: Iterable[Subscription]) -> None:
    encode_once = cache(update_frame)  # all of them get the same bytes object
    for subscription in subscriptions:
        if subscription.ended is None:
            subscription.give(updates, encode_once)
