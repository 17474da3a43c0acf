"""When a browser comes back: every `retry:` that is sent, and the words around it.

All of them are jittered, so that browsers which left together do not come back in step.
"""

import random

from app.metrics.labels import StreamClose, StreamRefusal
from app.settings import Settings
from app.stream.frames import error_frame, retry_frame

JITTER = 0.2


class Retries:
    """First and last words of streams."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def first(self) -> bytes:
        """For when the connection breaks."""
        return retry_frame(self._usual())

    def last(self, reason: StreamClose) -> bytes:
        """Why the stream ends, where script can do something about it, and when to come back."""
        match reason:
            case StreamClose.AGE | StreamClose.SHUTDOWN:  # nothing is wrong: move on at once
                return retry_frame(random.uniform(0.1, 1.0) * self._settings.stream_move_seconds)  # noqa: S311
            case StreamClose.SUPERSEDED:
                return error_frame("superseded", _jittered(self._settings.stream_yield_seconds))
            case StreamClose.LOGIN_ENDED:
                return error_frame("not_logged_in", self._usual())
            case StreamClose.SLOW:
                return error_frame("slow", self._usual())
            case _:
                return b""

    def refused(self, reason: StreamRefusal) -> bytes:
        """All of a stream that could not be opened for now."""
        if reason is StreamRefusal.OFF:  # a change of the setting takes its time
            return error_frame(reason, _jittered(self._settings.stream_yield_seconds))
        return error_frame(reason, _jittered(self._settings.stream_busy_seconds))

    def _usual(self) -> float:
        return _jittered(self._settings.stream_retry_seconds)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
