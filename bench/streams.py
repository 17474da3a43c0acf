"""Workload 3: what open streams cost: memory, opening, rest, and one event to all of them.

Memory is what the server's processes hold (PSS) above what they held before the first stream,
without the kernel's buffers; that of Redis and PostgreSQL is in neither.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from bench.contenders import PEER, Contender, napvi, starlette_redis
from bench.crowd import TICKS_PER_SECOND, Crowd, cpu_seconds, crowd_at, pss_kib, wait_until_idle
from bench.figures import Aim, Figure
from bench.scale import Scale
from bench.senders import Senders, senders_to
from tests.bulk import OpenTopup
from tests.processes.payer import webhook

WORKLOAD = "streams"
PART_VND = 1  # a top-up that is not paid in full goes on
AT_ONCE = 64
MEMORY_KIB_MAX = 20.0
REST_SECONDS = 2.0


class Holding:
    """The streams of one contender, which serves nobody else."""

    def __init__(self, contender: Contender, crowd: Crowd, senders: Senders) -> None:
        self.contender, self._crowd, self._senders = contender, crowd, senders
        self._empty_kib = pss_kib(contender.pid)

    def measure(self, figures: Sequence[Figure], count: int, name: str) -> None:
        """One round."""
        memory, opened, rest, to_all = figures
        topups = self.contender.topups[:count]
        opened.add(name, count / self._open(topups))
        wait_until_idle(self.contender.pid)
        memory.add(name, (pss_kib(self.contender.pid) - self._empty_kib) / count)
        rest.add(name, self._rest())
        self._crowd.close()
        wait_until_idle(self.contender.pid)
        to_all.add(name, self._tell_all(topups[0], count) * 1000)

    def _rest(self) -> float:
        """Percent of a CPU, at least what a clock tick is."""
        used = cpu_seconds(self.contender.pid)
        time.sleep(REST_SECONDS)
        used = cpu_seconds(self.contender.pid) - used
        return max(used, 1 / TICKS_PER_SECOND) / REST_SECONDS * 100

    def _open(self, topups: Sequence[OpenTopup]) -> float:
        whom = [(topup.tx_ref, topup.cookie) for topup in topups]
        opened = self._crowd.open(whom, AT_ONCE)
        if opened["failed"]:
            raise SystemExit(f"{self.contender.name}: {opened['failed']} streams did not open.")
        return float(opened["seconds"])

    def _tell_all(self, topup: OpenTopup, count: int) -> float:
        """Seconds from a webhook to the last of `count` frames, all of one top-up."""
        self._open([topup] * count)
        wait_until_idle(self.contender.pid)
        self._crowd.forget()
        sent = self._senders.send([webhook(topup.as_answered(), PART_VND)], 1)
        arrivals = self._crowd.wait(count)["arrivals"]
        if sent.failed or len(arrivals) != count:
            raise SystemExit(f"{self.contender.name}: {len(arrivals)} frames of {count}.")
        self._crowd.close()
        return float(max(at for _, at in arrivals)) - sent.sent[0]


def run(database_url: str, scale: Scale) -> list[Figure]:
    figures = [
        Figure(WORKLOAD, "memory of a stream", "KiB", (Aim(PEER, "at most", 0.5),)),
        Figure(WORKLOAD, "streams opened", "1/s", (Aim(PEER, "at least", 1),)),
        Figure(WORKLOAD, "CPU at rest", "%"),
        Figure(WORKLOAD, "one event to all", "ms"),
    ]
    with ExitStack() as stack:
        many = max(scale.streams, scale.crowd)
        holdings = [
            _holding(stack, stack.enter_context(napvi(database_url, many))),
            _holding(stack, stack.enter_context(starlette_redis(database_url, scale.streams))),
        ]
        for _ in scale.each_round(WORKLOAD):
            for holding in holdings:
                holding.measure(figures, scale.streams, holding.contender.name)
        crowd = [Figure(WORKLOAD, f"{each.name}, {scale.crowd}", each.unit) for each in figures]
        crowd[0].most = MEMORY_KIB_MAX
        holdings[0].measure(crowd, scale.crowd, holdings[0].contender.name)
    return figures + crowd


def _holding(stack: ExitStack, contender: Contender) -> Holding:
    crowd = stack.enter_context(crowd_at(contender.url))
    return Holding(contender, crowd, stack.enter_context(senders_to(contender.url)))
