"""What one stream of one top-up still has to send, and how far it has come."""

from collections.abc import Callable, Sequence
from typing import Protocol

from app.metrics.labels import StreamClose
from app.model import TopupUpdate, TxRef
from app.stream.frames import reset_frame


class Writer(Protocol):
    """Whoever takes the frames to the browser."""

    def ready(self) -> None:
        """There is something to take. Has to be quick."""


class _Nobody:
    """Takes nothing, after the browser has left."""

    __slots__ = ()

    def ready(self) -> None:
        """There is no one to send it to."""


NOBODY = _Nobody()


class Subscription:
    """Frames on their way from the hub to one browser.

    There can be ten thousand of these: no task, no queue, no dictionary in it.
    """

    __slots__ = ("_frames", "_frames_max", "_writer", "cursor", "ended", "tx_ref")

    def __init__(self, writer: Writer, tx_ref: TxRef, after: int | None, frames_max: int) -> None:
        self.tx_ref = tx_ref
        self.cursor = after
        """The seq of the last frame that was queued; None: only the current state is wanted."""
        self.ended: StreamClose | None = None
        self._writer: Writer = writer
        self._frames: list[bytes] | None = None
        self._frames_max = frames_max

    def take(self) -> bytes | None:
        """All frames that wait, joined; None when there are none: then `ended` decides."""
        frames, self._frames = self._frames, None
        return None if frames is None else b"".join(frames)

    def end(self, reason: StreamClose) -> None:
        """Queues nothing from now on; what waits can still be taken. The first reason stays."""
        if self.ended is None:
            self.ended = reason
            self._writer.ready()

    def forget_writer(self) -> None:
        """It has left. It refers to this subscription, and neither shall keep the other alive."""
        self._writer = NOBODY

    def give(self, updates: Sequence[TopupUpdate], encode: Callable[[TopupUpdate], bytes]) -> int:
        """Queues what comes after the cursor and says how many frames that are.

        `updates` is in order and ends with the head.
        """
        head = updates[-1]
        if self.cursor is None:
            queued = self._queue(head, encode)
        elif self.cursor > head.seq:
            queued = self._queue(head, reset_frame)
        else:
            queued = sum(self._queue(u, encode) for u in updates if u.seq > self.cursor)
        if head.final:
            self.end(StreamClose.FINAL)
        return queued

    def _queue(self, update: TopupUpdate, encode: Callable[[TopupUpdate], bytes]) -> int:
        if self._frames is not None and len(self._frames) >= self._frames_max:
            self.end(StreamClose.SLOW)
        if self.ended is not None:
            return 0
        if self._frames is None:
            self._frames = []
        self._frames.append(encode(update))
        self.cursor = update.seq
        self._writer.ready()
        return 1
