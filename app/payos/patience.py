"""For a command, which has time: what PayOS takes no call for now is asked after the pause."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from app.errors import AskingStopped, PayOSFailed, PayOSTimeout, PayOSUnavailable
from app.payos.refusal import RefusedWithCode
from app.payos.remedies import BY_CODE

PAUSES_MAX = 10

Answer = TypeVar("Answer")


class Patience:
    """Shared by all who ask at once: during a pause none of them does, and after it one goes first.

    `tell` is called with a sentence for each pause; after `pauses_max` in a row without an answer
    nobody asks any more.
    """

    def __init__(self, tell: Callable[[str], None], pauses_max: int = PAUSES_MAX) -> None:
        self._tell = tell
        self._pauses_max = pauses_max
        self._pauses = 0
        self._pause_seconds = 0
        self._pausing = asyncio.Lock()

    async def answer(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        """What comes of `question`, which may be asked several times.

        Raises AskingStopped, also when PayOS would refuse every question; and what `question`
        raises except PayOSUnavailable.
        """
        if not self._pausing.locked():
            try:
                return await self._asked(question)
            except PayOSUnavailable:
                pass  # its pause is noted
        async with self._pausing:
            while True:
                await self._pause()
                try:
                    return await self._asked(question)
                except PayOSUnavailable:
                    pass

    async def _asked(self, question: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await question()
        except PayOSUnavailable as problem:
            self._pause_seconds = problem.retry_after_seconds or 0
            raise
        except PayOSTimeout:
            raise
        except PayOSFailed as problem:
            self._answered()
            if isinstance(problem, RefusedWithCode) and problem.payos_code in BY_CODE:
                raise AskingStopped(BY_CODE[problem.payos_code]) from problem
            raise
        self._answered()
        return answer

    def _answered(self) -> None:
        self._pauses = self._pause_seconds = 0

    async def _pause(self) -> None:
        seconds = self._pause_seconds
        if not seconds:  # whoever waited before has had an answer
            return
        if self._pauses == self._pauses_max:
            raise AskingStopped(
                f"PayOS takes no calls, after {self._pauses} pauses. Run this again later."
            )
        self._pauses, self._pause_seconds = self._pauses + 1, 0
        self._tell(f"PayOS takes no calls for now. Going on in {seconds} s.")
        await asyncio.sleep(seconds)
