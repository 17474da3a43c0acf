"""Tasks that are to run for as long as the process: if one does not, somebody has to hear of it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def watched(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Runs `work`; says so when it ends by an error."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell)
    return task


def _tell(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        reason = type(error).__name__
        log.critical("event=%s.died reason=%s", task.get_name(), reason, exc_info=error)
