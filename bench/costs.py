"""Workload 5: what 1,000 payments cost that a payer watches, by stream and by polling.

Each payer watches for a minute and is then paid. Of polling one question is measured and counted
as often as a page asks in that time; of a stream all of it is, but for the heartbeats of that
minute, of 40 bytes each. The webhook is the same in both, and in neither.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from bench.contenders import Contender, napvi
from bench.crowd import Crowd, cpu_seconds, crowd_at, wait_until_idle
from bench.databases import postmaster_pid
from bench.figures import OURS, Aim, Figure
from bench.latency import POLL_SECONDS, POLLING
from bench.scale import Scale
from bench.senders import Senders, senders_to
from tests.processes.payer import webhook

WORKLOAD = "costs"
WATCHED_SECONDS = 60.0
POLLS = WATCHED_SECONDS / POLL_SECONDS
PAYMENTS = 1_000
PART_VND = 1
CONNECTIONS = 32


def run(database_url: str, scale: Scale) -> list[Figure]:
    aim = (Aim(POLLING, "at most", 0.5),)
    figures = [
        Figure(WORKLOAD, "requests of 1,000 payers", "requests", aim),
        Figure(WORKLOAD, "bytes of 1,000 payers", "KiB", aim),
        Figure(WORKLOAD, "CPU of the service for 1,000 payers", "s", aim),
        Figure(WORKLOAD, "CPU of the database for 1,000 payers", "s", aim),
    ]
    database = postmaster_pid(database_url)
    with ExitStack() as stack:
        contender = stack.enter_context(napvi(database_url, scale.streams))
        crowd = stack.enter_context(crowd_at(contender.url))
        senders = stack.enter_context(senders_to(contender.url))
        for _ in scale.each_round(WORKLOAD):
            clock = Clock(contender.pid, database)
            paying = _cpu_of_paying(clock, contender, senders)
            streamed = _stream(clock, contender, crowd, senders, paying)
            polled = _poll(clock, contender, senders)
            for figure, ours, theirs in zip(figures, streamed, polled, strict=True):
                figure.add(OURS, ours)
                figure.add(POLLING, theirs)
    return figures


class Clock:
    """Counts the processor time of a service and of its database, by the pids of their parents."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self.restart()

    def restart(self) -> None:
        self._since = [cpu_seconds(pid) for pid in self._pids]

    def seconds(self) -> list[float]:
        """Of each, since the last `restart`."""
        both = zip(self._pids, self._since, strict=True)
        return [cpu_seconds(pid) - since for pid, since in both]


def _cpu_of_paying(clock: Clock, contender: Contender, senders: Senders) -> list[float]:
    """Seconds for a payment of each top-up, while nobody watches."""
    wait_until_idle(contender.pid)
    clock.restart()
    _pay(contender, senders)
    return clock.seconds()


def _stream(
    clock: Clock, contender: Contender, crowd: Crowd, senders: Senders, paying: Sequence[float]
) -> list[float]:
    topups = contender.topups
    crowd.forget()
    clock.restart()
    opened = crowd.open([(topup.tx_ref, topup.cookie) for topup in topups], CONNECTIONS)
    wait_until_idle(contender.pid)  # whatever else is on its way
    shown = len(crowd.wait(len(topups))["arrivals"])
    _pay(contender, senders)
    arrived = len(crowd.wait(shown + len(topups))["arrivals"])
    if opened["failed"] or arrived != shown + len(topups):
        raise SystemExit(f"{contender.name}: {arrived - shown} frames of {len(topups)}.")
    count = crowd.count()
    crowd.close()
    wait_until_idle(contender.pid)
    used = [all_of_it - paid for all_of_it, paid in zip(clock.seconds(), paying, strict=True)]
    return _costs(PAYMENTS, count["bytes_out"] + count["bytes_in"], used, PAYMENTS / len(topups))


def _poll(clock: Clock, contender: Contender, senders: Senders) -> list[float]:
    topup, count = contender.topups[0], len(contender.topups)
    clock.restart()
    target = f"GET /api/topup/status?tx_ref={topup.tx_ref}"
    sent = senders.send([b""] * count, CONNECTIONS, target=target, cookie=topup.cookie)
    if sent.failed:
        raise SystemExit(f"{contender.name}: {sent.failed} questions were not answered.")
    requests = PAYMENTS * POLLS
    return _costs(requests, sent.bytes_out + sent.bytes_in, clock.seconds(), requests / count)


def _costs(requests: float, sent_bytes: int, cpu: Sequence[float], each: float) -> list[float]:
    """In the order of the figures; bytes and CPU were measured of one part in `each`."""
    return [requests, sent_bytes * each / 1024, *(seconds * each for seconds in cpu)]


def _pay(contender: Contender, senders: Senders) -> None:
    bodies = [webhook(topup.as_answered(), PART_VND) for topup in contender.topups]
    if senders.send(bodies, CONNECTIONS).failed:
        raise SystemExit(f"{contender.name}: webhooks were not taken.")
