"""A client in a process of its own, so that what it costs is not the server's.

It is sent one JSON command a line, [name, arguments], and answers each with one JSON object a line.
"""

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from app.processes import die_with_parent

ANSWER_SECONDS_MAX = 120.0


class Child:
    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def call(self, command: str, **arguments: object) -> dict[str, Any]:
        """Its answer. Ends the run when there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([command, arguments]).encode() + b"\n")
        self._process.stdin.flush()
        readable, _, _ = select.select([self._process.stdout], [], [], ANSWER_SECONDS_MAX)
        line = self._process.stdout.readline() if readable else b""
        if not line:
            raise SystemExit(f"The client was asked to {command} and did not answer.")
        return dict(json.loads(line))


@contextmanager
def child(module: str, url: str) -> Iterator[Child]:
    """`module` as a program, which talks to the server at `url`."""
    address = urlsplit(url)
    with program(module, address.hostname or "", str(address.port)) as process:
        yield process


@contextmanager
def program(module: str, *arguments: str) -> Iterator[Child]:
    with subprocess.Popen(
        (sys.executable, "-m", module, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
    ) as process:
        try:
            yield Child(process)
        finally:
            process.kill()
