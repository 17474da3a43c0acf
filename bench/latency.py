"""Workload 1: from a webhook to the frame in the browser, while many stream and payments come.

With one worker process and with two: then half of the payments reach another process than their
stream. The floor is what PostgreSQL and asyncio allow: a bare INSERT with pg_notify in one
transaction, to a connection that listens.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, aclosing
from dataclasses import dataclass
from typing import Any

import psycopg

from bench.contenders import PEER, WORKERS, Contender, napvi, starlette_redis
from bench.crowd import Crowd, crowd_at
from bench.figures import Aim, Figure
from bench.pollers import Pollers, pollers_at
from bench.scale import Scale
from bench.senders import CONSTANT, Senders, Sent, senders_to
from tests.bulk import OpenTopup
from tests.processes.payer import webhook

WORKLOAD = "latency"
PART_VND = 1  # a top-up that is not paid in full goes on
PER_SECOND = 50.0
CONNECTIONS = 8
FLOOR_SECONDS_MAX = 20.0
FLOOR = "floor: INSERT + NOTIFY"
POLLING = "polling every 3 s"
POLL_SECONDS, POLLERS = 3.0, 100

INSERT = """
    WITH inserted AS (
        INSERT INTO floor (event_id, tx_ref, seq, type, data)
        VALUES (gen_random_uuid(), %(tx_ref)s, %(seq)s, 'payment.received', %(data)s)
        RETURNING seq
    )

    SELECT pg_notify('floor', i.seq::text) FROM inserted AS i
"""
TABLE = """
    CREATE TABLE IF NOT EXISTS floor (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        event_id uuid NOT NULL UNIQUE,
        tx_ref text NOT NULL,
        seq bigint NOT NULL,
        type text NOT NULL,
        data jsonb NOT NULL,
        recorded_at timestamptz NOT NULL DEFAULT clock_timestamp()
    )
"""


@dataclass(frozen=True)
class Watched:
    """A contender, the browsers that have its streams open, and who sends it webhooks."""

    contender: Contender
    crowd: Crowd
    senders: Senders


def run(database_url: str, scale: Scale) -> list[Figure]:
    answers = Figure(WORKLOAD, "p50 of an answer without a payment", "ms")
    figures = []
    for workers, name in WORKERS.items():
        delays = _delay_figures(name)
        with ExitStack() as stack:
            ours, peer = (
                _watched(stack, start(database_url, scale.streams, workers=workers), scale.streams)
                for start in (napvi, starlette_redis)
            )
            pollers = stack.enter_context(pollers_at(ours.contender.url))
            for _ in scale.each_round(f"{WORKLOAD}, {name}"):
                for each in (ours, peer):
                    measure(delays, each, scale.payments // workers)
                note(delays, FLOOR, measure_floor(database_url, ours, scale.payments // 2))
                if workers == 1:
                    for each in (ours, peer):
                        measure_answers(answers, each, scale.payments // 4)
                    measure_polling(delays, ours, pollers)
        figures += delays
    return [*figures, answers]


def _delay_figures(workers: str) -> list[Figure]:
    aims = (Aim(PEER, "at most", 1), Aim(FLOOR, "at most", 4))
    return [
        Figure(WORKLOAD, f"p50 from webhook to frame, {workers}", "ms", aims),
        Figure(WORKLOAD, f"p99 from webhook to frame, {workers}", "ms", aims[:1]),
    ]


def _watched(
    stack: ExitStack, starting: AbstractContextManager[Contender], streams: int
) -> Watched:
    contender = stack.enter_context(starting)
    senders = stack.enter_context(senders_to(contender.url))
    crowd = stack.enter_context(crowd_at(contender.url))
    watch(contender, crowd, streams)
    return Watched(contender, crowd, senders)


def watch(contender: Contender, crowd: Crowd, streams: int) -> None:
    """Opens the streams that the rounds are measured with."""
    whom = [(topup.tx_ref, topup.cookie) for topup in contender.topups[:streams]]
    opened = crowd.open(whom, at_once=32)
    if opened["failed"]:
        raise SystemExit(f"{contender.name}: {opened['failed']} streams did not open.")


def measure(figures: Sequence[Figure], watched: Watched, payments: int) -> None:
    """One round: each payment is of another top-up, whose stream gets the frame."""
    contender, paid = watched.contender, watched.contender.topups[:payments]
    watched.crowd.forget()
    bodies = [webhook(topup.as_answered(), PART_VND) for topup in paid]
    sent = watched.senders.send(bodies, CONNECTIONS, per_second=PER_SECOND)
    seen = watched.crowd.wait(len(paid))
    note(figures, contender.name, _delays(contender, paid, sent, seen))


def measure_answers(figure: Figure, watched: Watched, requests: int) -> None:
    """One round of what server and framework take for an answer, while the streams are open."""
    name, nothing = watched.contender.name, [b""] * requests
    sent = watched.senders.send(nothing, CONNECTIONS, per_second=PER_SECOND, target=CONSTANT)
    if sent.failed:
        raise SystemExit(f"{name}: {sent.failed} of {requests} were not answered.")
    figure.add(name, sent.p50 * 1000)


def measure_polling(figures: Sequence[Figure], watched: Watched, pollers: Pollers) -> None:
    """One round of what the stream replaces: each payer asks how the top-up stands."""
    paid = watched.contender.topups[:POLLERS]
    pollers.watch([(topup.tx_ref, topup.cookie) for topup in paid], POLL_SECONDS)
    bodies = [webhook(topup.as_answered(), PART_VND) for topup in paid]
    sent = watched.senders.send(bodies, CONNECTIONS, per_second=PER_SECOND)
    note(figures, POLLING, _delays(watched.contender, paid, sent, pollers.wait()))


def _delays(
    contender: Contender, paid: Sequence[OpenTopup], sent: Sent, seen: dict[str, Any]
) -> list[float]:
    arrivals = seen["arrivals"]
    if sent.failed or len(arrivals) != len(paid):
        raise SystemExit(f"{contender.name}: {sent.failed} refused, {len(arrivals)} frames.")
    when = dict(zip((topup.tx_ref for topup in paid), sent.sent, strict=True))
    return [at - when[tx_ref] for tx_ref, at in arrivals]


def measure_floor(database_url: str, watched: Watched, payments: int) -> list[float]:
    """One round of what PostgreSQL and asyncio allow, in seconds."""
    return asyncio.run(_floor(database_url, watched.contender.topups, payments))


def note(figures: Sequence[Figure], name: str, seconds: Sequence[float]) -> None:
    percentiles = statistics.quantiles(seconds, n=100)
    for figure, at in zip(figures, (49, 98), strict=True):
        figure.add(name, percentiles[at] * 1000)


async def _floor(database_url: str, topups: Sequence[OpenTopup], payments: int) -> list[float]:
    seconds: list[float] = []
    async with (
        asyncio.timeout(payments / PER_SECOND + FLOOR_SECONDS_MAX),
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as writing,
        await psycopg.AsyncConnection.connect(database_url, autocommit=True) as listening,
    ):
        await writing.execute(TABLE)
        await listening.execute("LISTEN floor")
        # Closed before its connection is, which otherwise waits for it for ever.
        async with aclosing(listening.notifies()) as notifications:
            started = time.monotonic()
            for number in range(payments):
                await asyncio.sleep(started + number / PER_SECOND - time.monotonic())
                values = {"tx_ref": topups[number].tx_ref, "seq": number, "data": '{"amount": 1}'}
                sent = time.monotonic()
                inserted = asyncio.create_task(writing.execute(INSERT, values))
                await anext(notifications)
                seconds.append(time.monotonic() - sent)
                await inserted
    return seconds
