"""Workload 2: how many webhooks a second, over 64 connections that each wait for their answer.

The ceiling is the same HTTP stack with a constant answer: what a payment costs is the difference.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import psycopg

from bench.contenders import PEER, Contender, napvi, starlette_redis
from bench.crowd import cpu_seconds
from bench.figures import Aim, Figure
from bench.scale import Scale
from bench.senders import Senders, Sent, senders_to
from tests.processes.payer import webhook

WORKLOAD = "webhooks"
PART_VND = 1
CONNECTIONS = 64
CEILING = "ceiling: constant answer"
TWO, UNBATCHED = "napvi, two workers", "napvi, one in a commit"
TOPUPS = 200


def run(database_url: str, scale: Scale) -> list[Figure]:
    figures = _figures()
    with ExitStack() as stack:
        contenders = [
            stack.enter_context(napvi(database_url, TOPUPS)),
            stack.enter_context(starlette_redis(database_url, TOPUPS)),
            stack.enter_context(napvi(database_url, TOPUPS, TWO, workers=2)),
            stack.enter_context(napvi(database_url, TOPUPS, UNBATCHED, NAPVI_APPEND_BATCH_MAX="1")),
        ]
        senders = [stack.enter_context(senders_to(each.url)) for each in contenders]
        postmaster = _postmaster(database_url)
        for _ in scale.each_round(WORKLOAD):
            for contender, sender in zip(contenders, senders, strict=True):
                fewer = 4 if contender.name == UNBATCHED else 1  # it is slow
                measure(figures, contender, sender, postmaster, scale.webhooks // fewer)
            measure_ceiling(figures, contenders[0], senders[0], scale.webhooks)
    return figures


def _figures() -> list[Figure]:
    return [
        Figure(
            WORKLOAD,
            "webhooks",
            "1/s",
            (
                Aim(PEER, "at least", 1.3),
                Aim(CEILING, "at least", 0.6),
                Aim(UNBATCHED, "at least", 1),
            ),
        ),
        Figure(WORKLOAD, "CPU of the service", "ms each"),
        Figure(WORKLOAD, "CPU of the database", "ms each"),
        Figure(WORKLOAD, "p99 of the answer", "ms"),
    ]


def measure(
    figures: Sequence[Figure], contender: Contender, senders: Senders, database: int, count: int
) -> None:
    """One round; `database` is the pid of the postmaster."""
    bodies = [
        webhook(contender.topups[number % len(contender.topups)].as_answered(), PART_VND)
        for number in range(count)
    ]
    used, used_below = cpu_seconds(contender.pid), cpu_seconds(database)
    sent = senders.send(bodies, CONNECTIONS)
    used, used_below = cpu_seconds(contender.pid) - used, cpu_seconds(database) - used_below
    _refuse_doubt(contender, sent)
    values = (count / sent.seconds, used / count * 1000, used_below / count * 1000, sent.p99 * 1000)
    for figure, value in zip(figures, values, strict=True):
        figure.add(contender.name, value)


def measure_ceiling(
    figures: Sequence[Figure],
    contender: Contender,
    senders: Senders,
    count: int,
) -> None:
    """A route that answers a few bytes and asks nobody."""
    sent = senders.send([b""] * count, CONNECTIONS, target="GET /healthz")
    _refuse_doubt(contender, sent)
    figures[0].add(CEILING, count / sent.seconds)


def _refuse_doubt(contender: Contender, sent: Sent) -> None:
    """A client that works all the time measures itself."""
    if sent.failed:
        raise SystemExit(f"{contender.name}: {sent.failed} webhooks were not taken.")
    if sent.cpu_seconds > 0.5 * sent.seconds:
        raise SystemExit("The client is the bottleneck: nothing was measured.")


def _postmaster(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return int(Path(row[0], "postmaster.pid").read_text().splitlines()[0])
