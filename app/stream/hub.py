"""Who streams what. Knows neither psycopg nor Quart.

A new subscription, a notification, a reconnect and the sweep all do the same: they mark a top-up
dirty, for the one reader. So a notification that is lost, merged, late or repeated can only change
when a frame is sent, never which.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from app.metrics.labels import StreamClose
from app.metrics.metrics import Metrics
from app.model import TxRef, parse_tx_ref
from app.stream.reader import Cause, Reader, ReadUpdates
from app.stream.subscription import Subscription, Writer
from app.tasks import watched

log = logging.getLogger(__name__)

LISTEN_SECONDS_MAX = 1.0  # without one a stream would say nothing until the next sweep


class Hub:
    """The streams of one process. Belongs to the event loop: nothing here is thread-safe.

    `listen` returns when the LISTEN is committed, and may be called again; `unlisten` only asks.
    """

    def __init__(
        self,
        listen: Callable[[TxRef], Awaitable[None]],
        unlisten: Callable[[TxRef], None],
        read_updates: ReadUpdates,
        frames_waiting_max: int,
        sweep_seconds: float,
        metrics: Metrics,
    ) -> None:
        self._listen = listen
        self._unlisten = unlisten
        self._reader = Reader(read_updates, self._streams_of, self._given, metrics)
        self._frames_waiting_max = frames_waiting_max
        self._sweep_seconds = sweep_seconds
        self._channels: dict[TxRef, _Channel] = {}
        self._reading: asyncio.Task[None] | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return sum(len(channel.subscriptions) for channel in self._channels.values())

    @property
    def channels(self) -> int:
        """How many top-ups are streamed."""
        return len(self._channels)

    async def start(self) -> None:
        """Starts reading and sweeping. What was subscribed before is served now."""
        self._reading = watched(self._reader.run(), "hub")
        self._sweep_in_time()

    async def close(self) -> None:
        """Ends every stream after what waits for it, and refuses new ones the same way."""
        self._closed = True
        tasks = [self._reading]
        for channel in self._channels.values():
            tasks.append(channel.opening)
            for subscription in channel.subscriptions:
                subscription.end(StreamClose.SHUTDOWN)
        if self._sweeping is not None:
            self._sweeping.cancel()
        running = [task for task in tasks if task is not None]
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)

    def subscribe(self, writer: Writer, tx_ref: TxRef, after: int | None) -> Subscription:
        """To what comes after seq `after`; None: from the current state on. Then `enter` it.

        Raises InvalidRequest for a malformed tx_ref. Whose top-up it is, the caller has checked.
        """
        return Subscription(writer, parse_tx_ref(tx_ref), after, self._frames_waiting_max)

    def wake(self, tx_ref: TxRef) -> None:
        """Something may have happened to this top-up."""
        if tx_ref in self._channels:
            self._reader.mark((tx_ref,), Cause.WAKE)

    async def shown(self, tx_ref: TxRef, seq: int, timeout_seconds: float) -> None:
        """Returns when the streams of this process have this event, or not in time; at once when
        there are none."""
        channel = self._channels.get(tx_ref)
        if channel is not None and channel.given_seq < seq:
            await asyncio.wait({channel.giving(seq)}, timeout=timeout_seconds)

    def wake_all(self) -> None:
        """Something may have happened to any top-up."""
        self._reader.mark(self._channels, Cause.RECONNECT)

    def sweep(self) -> None:
        """Looks for what no notification told."""
        self._reader.mark(self._channels, Cause.SWEEP)

    def enter(self, subscription: Subscription) -> None:
        """The first stream of a top-up listens; every stream is read for after that."""
        if self._closed:
            subscription.end(StreamClose.SHUTDOWN)
            return
        tx_ref = subscription.tx_ref
        channel = self._channels.get(tx_ref)
        if channel is None:
            channel = self._channels[tx_ref] = _Channel()
            channel.opening = asyncio.create_task(self._open(tx_ref, channel))
        channel.subscriptions.add(subscription)
        if channel.is_served:
            self._reader.mark((tx_ref,), Cause.ENTER)

    def leave(self, subscription: Subscription) -> None:
        """The last stream unlistens. Does not wait, so that no cancellation can interrupt it."""
        channel = self._channels.get(subscription.tx_ref)
        if channel is None or subscription not in channel.subscriptions:
            return  # it was refused
        channel.subscriptions.remove(subscription)
        if not channel.subscriptions:
            del self._channels[subscription.tx_ref]
            if channel.opening is not None:
                channel.opening.cancel()
            channel.let_go()
            self._unlisten(subscription.tx_ref)

    async def _open(self, tx_ref: TxRef, channel: "_Channel") -> None:
        """LISTEN, then read: in the other order an event between the two is lost. While there is
        no LISTEN to be had, read all the same; and again after it."""
        loop = asyncio.get_running_loop()
        late = loop.call_later(LISTEN_SECONDS_MAX, self._serve, tx_ref, channel)
        try:
            await self._listen(tx_ref)
        except Exception:
            log.exception("event=hub.not_listening reason=failed tx_ref=%s", tx_ref)  # swept
        finally:
            late.cancel()
        channel.opening = None
        self._serve(tx_ref, channel)

    def _serve(self, tx_ref: TxRef, channel: "_Channel") -> None:
        """Reads for its streams, and from now on for each that enters."""
        channel.is_served = True
        self._reader.mark((tx_ref,), Cause.ENTER)

    def _sweep_in_time(self) -> None:
        self.sweep()
        loop = asyncio.get_running_loop()
        self._sweeping = loop.call_later(self._sweep_seconds, self._sweep_in_time)

    def _given(self, tx_ref: TxRef, seq: int) -> None:
        if (channel := self._channels.get(tx_ref)) is not None:
            channel.given(seq)

    def _streams_of(self, tx_ref: TxRef) -> tuple[Subscription, ...]:
        channel = self._channels.get(tx_ref)
        return () if channel is None else tuple(channel.subscriptions)


class _Channel:
    """A top-up that is streamed, the task that listens to it for the first time, and how far its
    streams have come."""

    __slots__ = (
        "_awaited", "_awaited_seq", "given_seq", "is_served", "opening", "subscriptions",
    )  # fmt: skip

    def __init__(self) -> None:
        self.opening: asyncio.Task[None] | None = None
        self.is_served = False
        self.subscriptions: set[Subscription] = set()
        self.given_seq = 0
        self._awaited_seq = 0
        self._awaited: asyncio.Future[None] | None = None

    def giving(self, seq: int) -> asyncio.Future[None]:
        """Is done when the streams have this event, or are gone."""
        self._awaited_seq = max(self._awaited_seq, seq)
        if self._awaited is None:
            self._awaited = asyncio.get_running_loop().create_future()
        return self._awaited

    def given(self, seq: int) -> None:
        self.given_seq = seq
        if seq >= self._awaited_seq:
            self.let_go()

    def let_go(self) -> None:
        """Nobody has to wait any more."""
        if self._awaited is not None:
            self._awaited.set_result(None)
            self._awaited = None
