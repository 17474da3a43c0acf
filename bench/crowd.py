"""A crowd of browsers in a process of its own, and what it costs the server."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.child import Child, child
from tests.processes.descendants import descendants

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
IDLE_SECONDS = 0.3


class Crowd:
    """Commands of bench/crowd_process.py, as calls that return when it is done."""

    def __init__(self, process: Child) -> None:
        self._process = process

    def open(self, whom: Sequence[tuple[str, str]], at_once: int) -> dict[str, Any]:
        return self._process.call("open", whom=whom, at_once=at_once)

    def close(self) -> None:
        self._process.call("close")

    def forget(self) -> None:
        self._process.call("forget")

    def wait(self, updates: int) -> dict[str, Any]:
        return self._process.call("wait", updates=updates)

    def count(self) -> dict[str, Any]:
        return self._process.call("count")


@contextmanager
def crowd_at(url: str) -> Iterator[Crowd]:
    """Nobody streams yet. All of them are gone afterwards."""
    with child("bench.crowd_process", url) as process:
        yield Crowd(process)


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
