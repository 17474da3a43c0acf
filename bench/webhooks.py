"""Workload 2: how many webhooks a second, over 64 connections that each wait for their answer.

With one worker process and with two, napvi and its peer alike. The ceiling is the same server with
the same answer and nothing behind it: what a payment costs is the difference. Each top-up is of
another user than the one before, and is paid once and in full, as most are.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from bench.constant import constant_answer
from bench.contenders import PEER, WORKERS, Contender, napvi, starlette_redis
from bench.crowd import cpu_seconds
from bench.databases import postmaster_pid
from bench.figures import OURS, Aim, Figure
from bench.scale import Scale
from bench.senders import Senders, Sent, senders_to
from tests.bulk import OpenTopup
from tests.processes.payer import webhook

WORKLOAD = "webhooks"
CONNECTIONS = 64
CEILING = "ceiling: constant answer"
ONE = "napvi, one worker"
PAYERS = 1_000


def run(database_url: str, scale: Scale) -> list[Figure]:
    topups = scale.rounds * scale.webhooks
    figures = {workers: _figures(name) for workers, name in WORKERS.items()}
    with ExitStack() as stack:
        measured = [
            (figures[workers], contender, stack.enter_context(senders_to(contender.url)))
            for workers in WORKERS
            for contender in (
                stack.enter_context(napvi(database_url, topups, workers=workers, payers=PAYERS)),
                stack.enter_context(
                    starlette_redis(database_url, topups, workers=workers, payers=PAYERS)
                ),
            )
        ]
        ceilings = {
            workers: stack.enter_context(senders_to(stack.enter_context(constant_answer(workers))))
            for workers in WORKERS
        }
        postmaster = postmaster_pid(database_url)
        for number in scale.each_round(WORKLOAD):
            for some, contender, senders in measured:
                paid = part(contender, number, scale.webhooks)
                measure(some, contender, senders, postmaster, paid)
            for workers, senders in ceilings.items():
                rate = figures[workers][0]
                rate.add(CEILING, _ceiling(senders, measured[0][1].topups[: scale.webhooks]))
            figures[2][0].add(ONE, figures[1][0].values[OURS][-1])
    return figures[1] + figures[2]


def _figures(workers: str) -> list[Figure]:
    aims = (Aim(PEER, "at least", 1.3), Aim(CEILING, "at least", 0.6))
    return [
        Figure(WORKLOAD, f"webhooks, {workers}", "1/s", aims),
        Figure(WORKLOAD, f"CPU of the service, {workers}", "ms each"),
        Figure(WORKLOAD, f"CPU of the database, {workers}", "ms each"),
        Figure(WORKLOAD, f"p99 of the answer, {workers}", "ms"),
    ]


def measure(
    figures: Sequence[Figure],
    contender: Contender,
    senders: Senders,
    database: int,
    topups: Sequence[OpenTopup],
) -> None:
    """One round; `database` is the pid of the postmaster."""
    used, used_below = cpu_seconds(contender.pid), cpu_seconds(database)
    sent = pay(contender, senders, topups)
    used, used_below = cpu_seconds(contender.pid) - used, cpu_seconds(database) - used_below
    count = len(topups)
    values = (count / sent.seconds, used / count * 1000, used_below / count * 1000, sent.p99 * 1000)
    for figure, value in zip(figures, values, strict=True):
        figure.add(contender.name, value)


def part(contender: Contender, number: int, count: int) -> Sequence[OpenTopup]:
    """The `count` top-ups that are paid in one round."""
    return contender.topups[number * count : (number + 1) * count]


def pay(contender: Contender, senders: Senders, topups: Sequence[OpenTopup]) -> Sent:
    """One webhook for each."""
    bodies = [webhook(topup.as_answered()) for topup in topups]
    return _undoubted(contender.name, senders.send(bodies, CONNECTIONS))


def _ceiling(senders: Senders, topups: Sequence[OpenTopup]) -> float:
    """Answers a second to webhooks that nobody records."""
    bodies = [webhook(topup.as_answered()) for topup in topups]
    return len(bodies) / _undoubted(CEILING, senders.send(bodies, CONNECTIONS)).seconds


def _undoubted(name: str, sent: Sent) -> Sent:
    """A client that works all the time measures itself."""
    if sent.failed:
        raise SystemExit(f"{name}: {sent.failed} webhooks were not taken.")
    if sent.cpu_seconds > 0.5 * sent.seconds:
        raise SystemExit(f"{name}: the client is the bottleneck, so nothing was measured.")
    return sent
