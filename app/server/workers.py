"""Several workers behind the same listening sockets: started, replaced, restarted, drained.

SIGTERM, SIGINT   all workers drain at once; ends when they have, or at the deadline
SIGHUP            rolling restart: one by one a new worker serves, then an old one drains
"""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from app.metrics.exposition import forget_process
from app.processes import REFUSED
from app.server.event_loop import EventLoop
from app.server.serving import MAKE_ROOM, STOP_SIGNALS
from app.server.sockets import Endpoint
from app.server.worker import NotServing, Worker
from app.settings import Settings

log = logging.getLogger(__name__)

BACKOFF_SECONDS_MIN = 0.5
KILL_MARGIN_SECONDS = 1.0  # a worker ends itself at the deadline; this is for one that cannot


def run_workers(count: int, endpoint: Endpoint, settings: Settings, database_url: str) -> int:
    """Serves with `count` workers until SIGINT or SIGTERM. Returns the exit code.

    It is that of the worker when one does not come up at the start: a refusal is passed on.
    """
    with TemporaryDirectory(prefix="napvi-metrics-") as metrics:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "PROMETHEUS_MULTIPROC_DIR": metrics,
        }
        launch = partial(Worker.start, endpoint.descriptors, environment)
        with asyncio.Runner(loop_factory=EventLoop) as runner:
            code = runner.run(Workers(launch, count, settings, Path(metrics)).run())
    log.info("event=workers.stopped")
    return code


class Workers:
    """Keeps `count` of them alive. `metrics` is where they leave files named after their pid."""

    def __init__(
        self,
        launch: Callable[[], Awaitable[Worker]],
        count: int,
        settings: Settings,
        metrics: Path,
    ) -> None:
        self._launch = launch
        self._count = count
        self._settings = settings
        self._metrics = metrics
        self._alive: set[Worker] = set()
        self._serving: set[Worker] = set()
        self._jobs: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._watches = asyncio.TaskGroup()
        self._backoff_seconds = 0.0

    async def run(self) -> int:
        """Until a signal says stop, or the first start fails. Returns the exit code."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._jobs.put_nowait, self._restart)
        async with self._watches:
            keeping = asyncio.create_task(self._keep())
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({keeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not keeping.done():
                log.info("event=workers.stopping")
            for task in (keeping, stopping):
                task.cancel()
            await asyncio.wait({keeping, stopping})
            self._serving.clear()
            await asyncio.gather(*(self._end(worker) for worker in tuple(self._alive)))
        return 0 if keeping.cancelled() else keeping.result()

    async def _keep(self) -> int:
        """Starts all of them, then does one job after another. Returns when the start fails."""
        try:
            for _ in range(self._count):  # in turn, so that what one refuses is said once
                await self._start()
        except NotServing as failure:
            if failure.exit_code != REFUSED:  # which the worker has explained
                log.error('event=worker.not_started reason="%s"', failure)
            return failure.exit_code
        log.info("event=workers.serving workers=%d", self._count)
        while True:
            job = await self._jobs.get()
            await job()

    async def _start(self) -> Worker:
        """A new worker that serves. Raises NotServing."""
        try:
            worker = await self._launch()
        except OSError as error:
            raise NotServing(str(error)) from error
        self._alive.add(worker)
        self._watches.create_task(self._watch(worker))
        await worker.serves(self._settings.worker_start_seconds_max)
        if worker not in self._alive:
            raise NotServing(worker.reason, worker.exit_code)
        self._serving.add(worker)
        return worker

    async def _watch(self, worker: Worker) -> None:
        """Sees to what it leaves behind, and to its replacement if nobody told it to stop."""
        await worker.ended()
        self._alive.remove(worker)
        forget_process(self._metrics, worker.pid)
        if worker in self._serving:
            self._serving.remove(worker)
            log.error("event=worker.lost pid=%d reason=%s", worker.pid, worker.reason)
            self._jobs.put_nowait(partial(self._replace, worker))

    async def _replace(self, lost: Worker) -> None:
        """At once if it had served well, otherwise after a pause that grows."""
        if lost.age_seconds > self._settings.worker_backoff_seconds_max:
            self._backoff_seconds = 0.0
        while len(self._serving) < self._count:  # a restart may have filled its place
            await asyncio.sleep(self._backoff_seconds)
            self._backoff_seconds = min(
                max(2 * self._backoff_seconds, BACKOFF_SECONDS_MIN),
                self._settings.worker_backoff_seconds_max,
            )
            if new := await self._try_to_start():
                by = (lost.pid, lost.reason, new.pid)
                log.warning("event=worker.replaced pid=%d reason=%s by=%d", *by)

    async def _restart(self) -> None:
        """Every worker makes room for a new one that serves. If none comes up, they stay."""
        log.info("event=workers.restarting")
        for old in tuple(self._serving):
            if old not in self._serving:
                continue  # lost meanwhile; its replacement comes next
            new = await self._try_to_start()
            if new is None:
                log.error("event=workers.restart_abandoned")
                return
            log.info("event=worker.restarted pid=%d by=%d", old.pid, new.pid)
            self._serving.discard(old)
            await self._end(old, MAKE_ROOM)
        log.info("event=workers.restarted")

    async def _try_to_start(self) -> Worker | None:
        try:
            return await self._start()
        except NotServing as failure:
            log.error('event=worker.not_started reason="%s"', failure)
            return None

    async def _end(self, worker: Worker, number: signal.Signals = signal.SIGTERM) -> None:
        await worker.stop(number, self._settings.shutdown_seconds_max + KILL_MARGIN_SECONDS)
