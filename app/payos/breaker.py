"""Keeps us from waiting for a PayOS that gives no answers.

    closed ──── so many calls in a row without an answer ───▶ open
    open ────── after a pause, the next call ───────────────▶ probing
    probing ─── no answer ──────────────────────────────────▶ open
    any ─────── an answer, whatever it says ────────────────▶ closed

Open, and while the probe is under way, every other call fails at once. A refusal and even nonsense
are answers: nobody waits long for them.
"""

import logging
import math
import time
from collections.abc import Callable

from app.errors import PayOSUnavailable

log = logging.getLogger(__name__)

Clock = Callable[[], float]


class BreakerOpen(PayOSUnavailable):
    """PayOS gave no answers of late, so it was not asked."""


class Breaker:
    """`on_change(opened)` is told when calls begin to fail at once, and when no longer.

    `now` is a clock in seconds that never goes back.
    """

    def __init__(
        self,
        no_answers_max: int,
        pause_seconds: float,
        on_change: Callable[[bool], None],
        now: Clock = time.monotonic,
    ) -> None:
        self._no_answers_max = no_answers_max
        self._pause_seconds = pause_seconds
        self._on_change = on_change
        self._now = now
        self._no_answers = 0
        self._open_until: float | None = None
        self._probing = False

    def enter(self) -> bool:
        """Whether this call is the probe; end each with `answered`, `not_answered` or `given_up`.

        Raises BreakerOpen where it must not be made.
        """
        if self._open_until is None:
            return False
        seconds_left = self._open_until - self._now()
        if seconds_left > 0 or self._probing:
            raise BreakerOpen(retry_after_seconds=max(1, math.ceil(seconds_left)))
        self._probing = True
        return True

    def answered(self) -> None:
        """PayOS said something."""
        self._no_answers = 0
        if self._open_until is not None:
            self._open_until, self._probing = None, False
            log.warning("event=payos.breaker state=closed reason=answered")
            self._on_change(False)

    def not_answered(self, probe: bool) -> None:
        """PayOS said nothing in time, or could not be reached."""
        self._no_answers += 1
        if probe:
            self._probing = False
            self._open_until = self._now() + self._pause_seconds
        elif self._open_until is None and self._no_answers >= self._no_answers_max:
            self._open_until = self._now() + self._pause_seconds
            log.error(
                "event=payos.breaker state=open reason=no_answer calls=%d pause_seconds=%g",
                self._no_answers,
                self._pause_seconds,
            )
            self._on_change(True)

    def given_up(self, probe: bool) -> None:
        """We stopped waiting for reasons of our own, which says nothing about PayOS."""
        if probe:
            self._probing = False
