"""Payers whose pages ask every few seconds, in a process of their own."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from bench.child import Child, child


class Pollers:
    def __init__(self, process: Child) -> None:
        self._process = process

    def watch(self, whom: Sequence[tuple[str, str]], every_seconds: float) -> None:
        """Asks for each (tx_ref, cookie). Returns once each has had its first answer."""
        self._process.call("watch", whom=whom, every_seconds=every_seconds)

    def wait(self) -> dict[str, Any]:
        """Until each saw another answer than the first: (tx_ref, CLOCK_MONOTONIC) of each."""
        return self._process.call("wait")


@contextmanager
def pollers_at(url: str) -> Iterator[Pollers]:
    with child("bench.pollers_process", url) as process:
        yield Pollers(process)
