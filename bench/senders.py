"""Whoever sends requests at full speed, or in step with the clock; mostly PayOS."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.child import Child, child

WEBHOOK = "POST /api/payos/webhook"
CONSTANT = "GET /healthz"  # of the service and of the peer: answered without a look at anything


@dataclass(frozen=True)
class Sent:
    """`sent`: CLOCK_MONOTONIC of each. Times in seconds, from the first byte to the answer."""

    seconds: float
    cpu_seconds: float
    p50: float
    p99: float
    failed: int
    bytes_out: int
    bytes_in: int
    sent: list[float]


class Senders:
    def __init__(self, process: Child) -> None:
        self._process = process

    def send(
        self,
        bodies: Sequence[bytes],
        connections: int,
        *,
        per_second: float | None = None,
        target: str = WEBHOOK,
        cookie: str = "",
    ) -> Sent:
        """Returns when all are answered."""
        return Sent(
            **self._process.call(
                "send",
                target=target,
                cookie=cookie,
                bodies=[body.decode() for body in bodies],
                connections=connections,
                per_second=per_second,
            )
        )


@contextmanager
def senders_to(url: str) -> Iterator[Senders]:
    with child("bench.senders_process", url) as process:
        yield Senders(process)
