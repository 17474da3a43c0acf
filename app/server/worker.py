"""One worker as its supervisor sees it: a process of its own on sockets that it inherits."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

from app.processes import die_with_parent

log = logging.getLogger(__name__)

SERVING = b"serving\n"


async def tell_serving(descriptor: int) -> None:
    """For the worker: says through the inherited pipe that it answers."""
    with suppress(BrokenPipeError):  # nobody waits any more: the signal to stop is on its way
        os.write(descriptor, SERVING)
    os.close(descriptor)


class NotServing(Exception):
    """A worker did not come up; says why. `exit_code` is its own, or 1 when it has none."""

    def __init__(self, reason: str, exit_code: int | None = None) -> None:
        super().__init__(reason)
        self.exit_code = exit_code if exit_code is not None and exit_code > 0 else 1


class Worker:
    """`python -m app worker`, executed and not forked: no state of ours goes with it, and after a
    deployment it runs the new code.
    """

    def __init__(self, process: asyncio.subprocess.Process, serving: int) -> None:
        self.pid = process.pid
        self._process = process
        self._serving = serving  # the pipe's end to read from
        self._started = time.monotonic()

    @classmethod
    async def start(cls, sockets: Sequence[int], environment: Mapping[str, str]) -> Self:
        """Starts one on the descriptors of listening sockets. Raises OSError."""
        serving, told = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "app", "worker", "--serving", str(told)),
                *(argument for socket in sockets for argument in ("--socket", str(socket))),
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(*sockets, told),
                start_new_session=True,  # Ctrl-C is for the supervisor alone
                preexec_fn=die_with_parent(),
            )
        except BaseException:
            os.close(serving)
            raise
        finally:
            os.close(told)
        return cls(process, serving)

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._started

    @property
    def exit_code(self) -> int | None:
        """As `subprocess` has it: negative for a signal; None while it lives."""
        return self._process.returncode

    @property
    def reason(self) -> str:
        """Why it ended: `SIGKILL`, `exit_1`."""
        code = self.exit_code
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit_{code}"

    async def serves(self, seconds_max: float) -> None:
        """Returns, once, when it answers. Raises NotServing when it ends instead, or is late."""
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._serving, told.set)
        try:
            async with asyncio.timeout(seconds_max):
                await told.wait()
            answers = os.read(self._serving, len(SERVING)) == SERVING
        except TimeoutError:
            self._kill()
            raise NotServing(f"no answer after {seconds_max} s") from None
        finally:
            loop.remove_reader(self._serving)
            os.close(self._serving)
        if not answers:
            await self.ended()
            raise NotServing(self.reason, self.exit_code)

    async def ended(self) -> None:
        """Returns when the process is gone."""
        await self._process.wait()

    async def stop(self, number: signal.Signals, seconds_max: float) -> None:
        """Lets it drain; whatever it does, it is gone after `seconds_max`."""
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
        try:
            async with asyncio.timeout(seconds_max):
                await self.ended()
        except TimeoutError:
            log.warning("event=worker.stopped_hard pid=%d", self.pid)
            self._kill()
            await self.ended()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
