"""Tasks that are to run for as long as the process: if one fails, somebody has to hear of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from app.errors import DatabaseUnavailable

log = logging.getLogger(__name__)


def watched(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Runs `work`; says so when it ends by an error."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell)
    return task


class Repeated:
    """Does `work` again and again; after a failure too, which it tells by `log` and `on_failure`.

    `pause(failures)` waits until the next time; failures: how many in a row there have been.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        pause: Callable[[int], Awaitable[None]],
        on_failure: Callable[[], None],
        log: logging.Logger,
    ) -> None:
        self._name = name
        self._work = work
        self._pause = pause
        self._on_failure = on_failure
        self._log = log
        self._task: asyncio.Task[None] | None = None

    def start(self, after_seconds: float = 0.0) -> None:
        self._task = watched(self._go_on(after_seconds), self._name)

    async def stop(self) -> None:
        """Breaks off, at once. Safe when it was never started."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _go_on(self, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        failures = 0
        while True:
            try:
                await self._work()
                failures = 0
            except Exception as error:
                failures += 1
                self._on_failure()
                surprise = None if isinstance(error, DatabaseUnavailable) else error
                told = (self._name, type(error).__name__)
                self._log.error("event=%s.failed reason=%s", *told, exc_info=surprise)
            await self._pause(failures)


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        reason = type(error).__name__
        log.critical("event=%s.died reason=%s", task.get_name(), reason, exc_info=error)
