"""What brings a commit to the browsers that wait for it: listener, hub, leases, streams."""

import secrets
from collections.abc import Awaitable, Callable

from app.database.connecting import check_address
from app.database.leases import LeaseStore
from app.metrics.metrics import Metrics
from app.model import Appended, Fact
from app.parts.recording import Recording
from app.rollout import gets_stream
from app.settings import Settings
from app.stream.hub import Hub
from app.stream.leases import Leases
from app.stream.listener import Audience, Listener
from app.stream.streams import Streams

Append = Callable[[Fact], Awaitable[Appended]]


class Streaming:
    """The streams of one process, and what wakes them."""

    def __init__(self, settings: Settings, recording: Recording, metrics: Metrics) -> None:
        worker_id = secrets.randbelow(2**31)
        self._listen_url = settings.listen_database_url
        self.listener = Listener(
            self._listen_url or recording.url,
            Audience(
                on_wake=lambda tx_ref: self.hub.wake(tx_ref),  # noqa: PLW0108 no hub is there yet
                on_connected=self._read_everything,
                on_summons=lambda: self.leases.wake(),  # noqa: PLW0108
                on_skipped=self._look_around,
            ),
            worker_id,
            recording.store.notify,
            settings,
            metrics,
        )
        self.hub = Hub(
            self.listener.listen,
            self.listener.unlisten,
            recording.store.read_updates,
            settings.stream_frames_waiting_max,
            settings.stream_sweep_seconds,
            metrics,
        )
        leases = LeaseStore(recording.database, worker_id, settings)
        self.leases = Leases(leases, settings.stream_check_seconds, metrics)
        self._first_seconds_max = settings.stream_first_seconds_max
        self.streams = Streams(
            self.hub,
            self.leases,
            settings,
            metrics,
            lambda user_id: gets_stream(user_id, settings.stream),
        )

    async def open(self) -> None:
        """Raises ConfigurationError when the database cannot be listened to."""
        if self._listen_url is not None:
            check_address("LISTEN_DATABASE_URL", self._listen_url)
        await self.listener.start()
        await self.hub.start()
        self.streams.start()

    def shows(self, append: Append) -> Append:
        """The same, and who waits at a page of this process is told before the caller is."""

        async def append_and_show(fact: Fact) -> Appended:
            appended = await append(fact)
            if appended.tx_ref is not None and appended.seq is not None:
                await self.hub.shown(appended.tx_ref, appended.seq, self._first_seconds_max)
            return appended

        return append_and_show

    async def drain(self) -> None:
        """Ends every stream cleanly. Safe to repeat."""
        await self.hub.close()

    async def close(self) -> None:
        """After `drain`."""
        await self.streams.stop()
        await self.listener.stop()

    def _read_everything(self) -> None:
        self.hub.wake_all()
        self.leases.reconcile()

    def _look_around(self) -> None:
        self.hub.sweep()
        self.leases.wake()
