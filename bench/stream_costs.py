"""The measurements of bench/streams.py; each prints one line."""

import asyncio
import random
import statistics
import time
from collections.abc import Sequence

from bench.crowd import Crowd, cpu_seconds, pss_kib, wait_until_idle
from tests.bulk import OpenTopup
from tests.processes.payer import deliver, http_client, webhook
from tests.services import Service

EVENTS = 1_000
SENDERS = 8
PART_VND = 1  # a top-up that is not paid in full goes on
REST_SECONDS = 4.0
BEATING_SECONDS = 15.0


class Costs:
    """Of a stream for each of `topups`, at one service that serves nobody else."""

    def __init__(self, service: Service, crowd: Crowd, topups: Sequence[OpenTopup]) -> None:
        self._service = service
        self._crowd = crowd
        self._topups = topups
        self._empty_kib = pss_kib(service.pid)

    def opening(self, at_once: int) -> None:
        """From connecting to the first state."""
        used = cpu_seconds(self._service.pid)
        opened = self._crowd.open(self._whom(self._topups), at_once)
        used = cpu_seconds(self._service.pid) - used
        report(
            f"opening, {at_once} at once",
            f"{len(self._topups) / opened['seconds']:.0f} streams/s",
            f"p50 {milliseconds(opened['p50'])}, p99 {milliseconds(opened['p99'])}",
            f"server CPU {milliseconds(used / len(self._topups))} each",
            f"client CPU {opened['client_cpu_seconds']:.1f} of {opened['seconds']:.1f} s",
            f"{opened['failed']} failed",
        )

    def memory(self) -> None:
        full = pss_kib(self._service.pid)
        each = (full - self._empty_kib) / len(self._topups)
        before = f"{self._empty_kib / 1024:.0f} MiB without, {full / 1024:.0f} MiB with them"
        report("memory", f"{each:.1f} KiB each", before)

    def memory_afterwards(self) -> None:
        self._crowd.close()
        wait_until_idle(self._service.pid)
        report("memory, all gone", f"{pss_kib(self._service.pid) / 1024:.0f} MiB")

    def rest(self) -> None:
        wait_until_idle(self._service.pid)
        used = self._used_for(REST_SECONDS)
        report("rest", f"{used / REST_SECONDS:.1%} of a CPU", f"over {REST_SECONDS:.0f} s")

    def heartbeats(self) -> None:
        """The rest is in it, too; it is next to nothing."""
        self._crowd.open(self._whom(self._topups), at_once=64)
        before = self._crowd.count()["heartbeats"]
        used = self._used_for(BEATING_SECONDS)
        beats = self._crowd.count()["heartbeats"] - before
        report(
            "heartbeats",
            f"{used / beats * 1000:.3f} s of server CPU for 1,000",
            f"{beats / BEATING_SECONDS:.0f}/s over {BEATING_SECONDS:.0f} s",
        )

    def events_to_distinct(self) -> None:
        """Each webhook is of another top-up; one stream waits for it."""
        paid = random.Random(1).sample(self._topups, min(EVENTS, len(self._topups)))
        self._crowd.forget()
        started = time.monotonic()
        sent = asyncio.run(self._report_all(paid))
        arrived = self._crowd.wait(len(paid))["arrivals"]
        seconds = [at - sent[tx_ref] for tx_ref, at in arrived]
        percentiles = [milliseconds(value) for value in statistics.quantiles(seconds, n=100)]
        report(
            f"{len(paid)} events to as many",
            f"{len(paid) / (max(at for _, at in arrived) - started):.0f} webhooks/s",
            f"to the frame p50 {percentiles[49]}, p99 {percentiles[98]}",
            f"{len(arrived)} arrived",
        )

    def event_to_all(self) -> None:
        """Everybody streams the same top-up, and something happens to it."""
        topup = self._topups[0]
        count = len(self._topups)
        self._crowd.open(self._whom([topup] * count), at_once=64)
        self._crowd.forget()
        used = cpu_seconds(self._service.pid)
        sent = asyncio.run(self._report_all([topup]))[topup.tx_ref]
        answer = self._crowd.wait(count)
        used = cpu_seconds(self._service.pid) - used
        times = [at - sent for _, at in answer["arrivals"]]
        report(
            "one event to all",
            f"first {milliseconds(min(times))}, last {milliseconds(max(times))}",
            f"server CPU {used:.2f} s",
            f"client CPU {answer['client_cpu_seconds']:.2f} s",
            f"{len(times)} arrived",
        )
        self._crowd.close()

    def _whom(self, topups: Sequence[OpenTopup]) -> list[tuple[str, str]]:
        return [(topup.tx_ref, topup.cookie) for topup in topups]

    def _used_for(self, seconds: float) -> float:
        """CPU seconds of the server."""
        used = cpu_seconds(self._service.pid)
        time.sleep(seconds)
        return cpu_seconds(self._service.pid) - used

    async def _report_all(self, topups: Sequence[OpenTopup]) -> dict[str, float]:
        """Reports a payment of each; CLOCK_MONOTONIC of when, by tx_ref."""
        sent: dict[str, float] = {}
        todo = iter(topups)

        async def report_some() -> None:
            for topup in todo:
                body = webhook(topup.as_answered(), PART_VND)
                sent[topup.tx_ref] = time.monotonic()
                assert await deliver(payos, self._service.url, body) == 200

        async with http_client() as payos, asyncio.TaskGroup() as senders:
            for _ in range(SENDERS):
                senders.create_task(report_some())
        return sent


def report(what: str, *figures: str) -> None:
    print(f"  {what:24} {'; '.join(figures)}", flush=True)


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.01 else f"{seconds * 1000:.0f} ms"
