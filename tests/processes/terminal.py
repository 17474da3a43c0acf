"""A person at a terminal: what is typed, Ctrl-C too, and what is shown."""

import asyncio
import fcntl
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Mapping
from typing import Self

from tests.services import ROOT, SECONDS_MAX

CTRL_C = "\x03"


class Terminal:
    """`python -m app …` with a terminal of its own, whose signals reach all that runs there."""

    def __init__(self, environment: Mapping[str, str], *arguments: str) -> None:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self._shown = ""
        self._screen, keyboard = pty.openpty()
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env={**inherited, **environment},
            stdin=keyboard,
            stdout=keyboard,
            stderr=keyboard,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 one call
        )
        os.close(keyboard)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._popen.kill()
        self._popen.wait()
        os.close(self._screen)

    def type(self, text: str) -> None:
        os.write(self._screen, text.encode())

    async def shows(self, text: str) -> None:
        """Returns when it does, after what was asked for before."""
        readable, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.add_reader(self._screen, readable.set)
        try:
            async with asyncio.timeout(SECONDS_MAX):
                while text not in self._shown:
                    await readable.wait()
                    readable.clear()
                    self._shown += os.read(self._screen, 1 << 16).decode()
        finally:
            loop.remove_reader(self._screen)
        self._shown = self._shown.partition(text)[2]

    async def ended(self) -> int:
        """The exit code."""
        return await asyncio.to_thread(self._popen.wait, SECONDS_MAX)
