"""How late the event loop is: whatever blocks it holds up every stream and every payment."""

import asyncio
from collections.abc import Callable
from time import monotonic

EVERY_SECONDS = 0.1


class LoopLag:
    """Sets a timer again and again, and tells `observe` by how many seconds it ran too late."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Measures the loop that runs now."""
        # Not loop.time(): uvloop's stands still while a callback runs.
        due = monotonic() + EVERY_SECONDS
        self._timer = asyncio.get_running_loop().call_later(EVERY_SECONDS, self._measure, due)

    def stop(self) -> None:
        """Safe to repeat."""
        if self._timer is not None:
            self._timer.cancel()

    def _measure(self, due: float) -> None:
        self._observe(max(0.0, monotonic() - due))
        self.start()
