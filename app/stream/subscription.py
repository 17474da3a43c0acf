"""One stream of one top-up: the frames that wait for it, and how far it has come."""

import asyncio
from collections.abc import Callable, Sequence
from enum import StrEnum
from types import TracebackType
from typing import Protocol, Self

from app.model import TopupUpdate, TxRef
from app.stream.frames import reset_frame


class End(StrEnum):
    """Why a subscription is over."""

    FINAL = "final"  # nothing more will come
    SLOW = "slow"  # the reader did not keep up; it can resume by id
    SHUTDOWN = "shutdown"


class Membership(Protocol):
    """Where a subscription registers: the hub."""

    def enter(self, subscription: "Subscription") -> None: ...

    def leave(self, subscription: "Subscription") -> None: ...


class Subscription:
    """Use it as `async with`; then call `next_frames` until it returns an End.

    There can be ten thousand of these: no task, no queue, no dictionary in it.
    """

    __slots__ = ("_frames", "_frames_max", "_membership", "_waiter", "cursor", "ended", "tx_ref")

    def __init__(
        self, membership: Membership, tx_ref: TxRef, after: int | None, frames_max: int
    ) -> None:
        self.tx_ref = tx_ref
        self.cursor = after
        """The seq of the last frame that was queued; None: only the current state is wanted."""
        self.ended: End | None = None
        self._membership = membership
        self._frames: list[bytes] = []
        self._frames_max = frames_max
        self._waiter: asyncio.Future[None] | None = None

    async def __aenter__(self) -> Self:
        self._membership.enter(self)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._membership.leave(self)

    async def next_frames(self, timeout_seconds: float) -> bytes | End | None:
        """All frames that wait, joined; when there are no more, the End; None when none came."""
        if not self._frames and self.ended is None:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(timeout_seconds, self._wake)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        if self._frames:
            frames = b"".join(self._frames)
            self._frames.clear()
            return frames
        return self.ended

    def end(self, reason: End) -> None:
        """Queues nothing from now on; what waits can still be fetched. The first reason stays."""
        if self.ended is None:
            self.ended = reason
            self._wake()

    def give(self, updates: Sequence[TopupUpdate], encode: Callable[[TopupUpdate], bytes]) -> None:
        """Queues what comes after the cursor. `updates` is in order and ends with the head."""
        head = updates[-1]
        if self.cursor is None:
            self._queue(head, encode)
        elif self.cursor > head.seq:
            self._queue(head, reset_frame)
        else:
            for update in updates:
                if update.seq > self.cursor:
                    self._queue(update, encode)
        if head.final:
            self.end(End.FINAL)

    def _queue(self, update: TopupUpdate, encode: Callable[[TopupUpdate], bytes]) -> None:
        if len(self._frames) >= self._frames_max:
            self.end(End.SLOW)
        if self.ended is None:
            self._frames.append(encode(update))
            self.cursor = update.seq
            self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
