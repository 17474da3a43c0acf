"""PayOS in a process of its own, so that what it costs is not the server's."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

WEBHOOK = "POST /api/payos/webhook"


@dataclass(frozen=True)
class Sent:
    """`sent`: CLOCK_MONOTONIC of each. Times in seconds, from the first byte to the answer."""

    seconds: float
    cpu_seconds: float
    p50: float
    p99: float
    failed: int
    sent: list[float]


class Senders:
    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def send(
        self,
        bodies: Sequence[bytes],
        connections: int,
        *,
        per_second: float | None = None,
        target: str = WEBHOOK,
    ) -> Sent:
        """Returns when all are answered."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        arguments = {
            "target": target,
            "bodies": [body.decode() for body in bodies],
            "connections": connections,
            "per_second": per_second,
        }
        self._process.stdin.write(json.dumps(["send", arguments]) + "\n")
        self._process.stdin.flush()
        return Sent(**json.loads(self._process.stdout.readline()))


@contextmanager
def senders_to(url: str) -> Iterator[Senders]:
    address = urlsplit(url)
    command = (sys.executable, "-m", "bench.senders_process", address.hostname, str(address.port))
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        try:
            yield Senders(process)
        finally:
            process.kill()
