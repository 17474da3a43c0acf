"""A crowd of browsers in a process of its own, and what it costs the server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.processes.descendants import descendants

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
IDLE_SECONDS = 0.3


class Crowd:
    """Commands of bench/crowd_process.py, as calls that return when it is done."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def open(self, whom: list[tuple[str, str]], at_once: int) -> dict[str, Any]:
        return self._call("open", whom=whom, at_once=at_once)

    def close(self) -> None:
        self._call("close")

    def forget(self) -> None:
        self._call("forget")

    def wait(self, updates: int) -> dict[str, Any]:
        return self._call("wait", updates=updates)

    def count(self) -> dict[str, Any]:
        return self._call("count")

    def _call(self, command: str, **arguments: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([command, arguments]) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))


@contextmanager
def crowd_at(url: str) -> Iterator[Crowd]:
    """Nobody streams yet. All of them are gone afterwards."""
    address = urlsplit(url)
    command = (sys.executable, "-m", "bench.crowd_process", address.hostname, str(address.port))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            yield Crowd(process)
        finally:
            process.kill()


def cpu_seconds(pid: int) -> float:
    """What a process and its children used so far, in steps of a clock tick."""
    return sum(_cpu_ticks(one) for one in (pid, *descendants(pid))) / TICKS_PER_SECOND


def wait_until_idle(pid: int) -> None:
    """Returns when a process has used no CPU for a while: what was asked of it is done."""
    used = -1.0
    while used != (used := cpu_seconds(pid)):
        time.sleep(IDLE_SECONDS)


def pss_kib(pid: int) -> int:
    """Memory of a process and its children; what several share is divided among them."""
    return sum(_pss_kib(one) for one in (pid, *descendants(pid)))


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
