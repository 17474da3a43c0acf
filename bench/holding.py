"""The streams of one contender: opened, left alone, told of events, and closed."""

import statistics
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.contenders import Contender, part
from bench.crowd import TICKS_PER_SECOND, Crowd, cpu_seconds, crowd_at, pss_kib, wait_until_idle
from bench.publishers import Publishers, publishers_to
from bench.senders import Senders, senders_to
from tests.bulk import OpenTopup

AT_ONCE = 64


@dataclass(frozen=True)
class Measured:
    """A value, and what the clients used of a CPU while it was measured."""

    value: float
    client_cpu: float


@dataclass(frozen=True)
class Flood:
    """Events to distinct streams: how many came a second, and milliseconds of each.

    `taken_ms`: from the COMMIT or the message to its answer; `p50_ms`, `p99_ms`: to the frame;
    `cpu_ms`: of the service.
    """

    per_second: float
    taken_ms: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    client_cpu: float


class Holding:
    """It serves nobody else. Opened streams stay until `close`."""

    def __init__(
        self, contender: Contender, crowd: Crowd, senders: Senders, publishers: Publishers
    ) -> None:
        self.contender = contender
        self._crowd, self._senders, self._publishers = crowd, senders, publishers
        self._empty_kib = pss_kib(contender.pid)

    def open(self, topups: Sequence[OpenTopup]) -> Measured:
        """A stream of each; how many a second."""
        if not self.contender.takes_webhooks:  # then it knows a top-up by its last event
            self._publishers.publish(list(dict.fromkeys(topups)))
        whom = [(topup.tx_ref, topup.cookie) for topup in topups]
        opened = self._crowd.open(whom, AT_ONCE)
        if opened["failed"]:
            raise SystemExit(f"{self.contender.name}: {opened['failed']} streams did not open.")
        seconds = float(opened["seconds"])
        return Measured(len(topups) / seconds, opened["client_cpu_seconds"] / seconds)

    def close(self) -> None:
        self._crowd.close()
        self.settle()

    def settle(self) -> None:
        wait_until_idle(self.contender.pid)

    def taken_kib(self) -> float:
        """Above what it held before its first stream."""
        return pss_kib(self.contender.pid) - self._empty_kib

    def cpu_seconds(self) -> float:
        return cpu_seconds(self.contender.pid)

    def tell_all(self, topup: OpenTopup, streams: int) -> Measured:
        """Milliseconds from a webhook, or a message, to the last of the frames of one top-up."""
        self._crowd.forget()
        sent = self._tell(topup)
        seen = self._seen(streams)
        seconds = max(at for _, at in seen["arrivals"]) - sent
        return Measured(seconds * 1000, seen["cpu_seconds"] / seconds)

    def flood(self, topups: Sequence[OpenTopup], per_second: float) -> Flood:
        """An event of each, in step with the clock."""
        self._crowd.forget()
        used = self.cpu_seconds()
        published = self._publishers.publish(topups, per_second)
        seen = self._seen(len(topups))
        used = max(self.cpu_seconds() - used, 1 / TICKS_PER_SECOND)
        arrivals = seen["arrivals"]
        seconds = max(at for _, at in arrivals) - published.sent[0]
        taken = [at - sent for sent, at in zip(published.sent, published.taken, strict=True)]
        percentiles = statistics.quantiles(_delays(topups, published.sent, arrivals), n=100)
        client = max(seen["cpu_seconds"] / seconds, published.cpu_seconds / published.seconds)
        return Flood(
            len(topups) / seconds,
            statistics.median(taken) * 1000,
            percentiles[49] * 1000,
            percentiles[98] * 1000,
            used / len(topups) * 1000,
            client,
        )

    def _tell(self, topup: OpenTopup) -> float:
        """CLOCK_MONOTONIC of when an event was sent the way it usually comes."""
        if not self.contender.takes_webhooks:
            return self._publishers.publish([topup]).sent[0]
        sent = self._senders.send([part(topup)], 1)
        if sent.failed:
            raise SystemExit(f"{self.contender.name}: the webhook was not taken.")
        return sent.sent[0]

    def _seen(self, updates: int) -> dict[str, Any]:
        seen = self._crowd.wait(updates)
        if len(seen["arrivals"]) != updates:
            frames = len(seen["arrivals"])
            raise SystemExit(f"{self.contender.name}: {frames} frames of {updates}.")
        return seen


def _delays(
    topups: Sequence[OpenTopup], sent: Sequence[float], arrivals: Sequence[tuple[str, float]]
) -> list[float]:
    """Frames of one top-up come in the order of its events."""
    waiting: dict[str, deque[float]] = defaultdict(deque)
    for topup, at in zip(topups, sent, strict=True):
        waiting[topup.tx_ref].append(at)
    return [at - waiting[tx_ref].popleft() for tx_ref, at in arrivals]


@contextmanager
def holding_at(contender: Contender) -> Iterator[Holding]:
    with (
        crowd_at(contender.url) as crowd,
        senders_to(contender.url) as senders,
        publishers_to(contender) as publishers,
    ):
        yield Holding(contender, crowd, senders, publishers)
