"""Workload 1: from a webhook to the frame in the browser, while many stream and payments come.

The floor is what PostgreSQL and asyncio allow: a bare INSERT with pg_notify in one transaction,
to a connection that listens.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack, aclosing
from typing import Any

import psycopg

from bench.contenders import PEER, Contender, napvi, starlette_redis
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
ANSWERS_SHARE = 2  # fewer of them than payments
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


def _delay_figures() -> list[Figure]:
    aims = (Aim(PEER, "at most", 1), Aim(FLOOR, "at most", 4))
    return [
        Figure(WORKLOAD, "p50 from webhook to frame", "ms", aims),
        Figure(WORKLOAD, "p99 from webhook to frame", "ms", aims[:1]),
    ]


def run(database_url: str, scale: Scale) -> list[Figure]:
    figures, answers = (
        _delay_figures(),
        Figure(WORKLOAD, "p50 of an answer without a payment", "ms"),
    )
    with ExitStack() as stack:
        contenders = [
            stack.enter_context(napvi(database_url, scale.streams)),
            stack.enter_context(starlette_redis(database_url, scale.streams)),
        ]
        senders = [stack.enter_context(senders_to(each.url)) for each in contenders]
        crowds = [stack.enter_context(crowd_at(each.url)) for each in contenders]
        pollers = stack.enter_context(pollers_at(contenders[0].url))
        for contender, crowd in zip(contenders, crowds, strict=True):
            watch(contender, crowd, scale.streams)
        for _ in scale.each_round(WORKLOAD):
            for contender, crowd, sender in zip(contenders, crowds, senders, strict=True):
                measure(figures, contender, crowd, sender, scale.payments)
                measure_answers(answers, contender, sender, scale.payments // ANSWERS_SHARE)
            measure_polling(figures, contenders[0], pollers, senders[0])
            measure_floor(figures, database_url, contenders[0].topups, scale.payments)
    return [*figures, answers]


def watch(contender: Contender, crowd: Crowd, streams: int) -> None:
    """Opens the streams that the rounds are measured with."""
    whom = [(topup.tx_ref, topup.cookie) for topup in contender.topups[:streams]]
    opened = crowd.open(whom, at_once=32)
    if opened["failed"]:
        raise SystemExit(f"{contender.name}: {opened['failed']} streams did not open.")


def measure(
    figures: Sequence[Figure],
    contender: Contender,
    crowd: Crowd,
    senders: Senders,
    payments: int,
) -> None:
    """One round: each payment is of another top-up, whose stream gets the frame."""
    paid = contender.topups[:payments]
    crowd.forget()
    bodies = [webhook(topup.as_answered(), PART_VND) for topup in paid]
    sent = senders.send(bodies, CONNECTIONS, per_second=PER_SECOND)
    note(figures, contender.name, _delays(contender, paid, sent, crowd.wait(len(paid))))


def measure_answers(figure: Figure, contender: Contender, senders: Senders, requests: int) -> None:
    """One round of what server and framework take for an answer, while the streams are open."""
    sent = senders.send([b""] * requests, CONNECTIONS, per_second=PER_SECOND, target=CONSTANT)
    if sent.failed:
        raise SystemExit(f"{contender.name}: {sent.failed} of {requests} were not answered.")
    figure.add(contender.name, sent.p50 * 1000)


def measure_polling(
    figures: Sequence[Figure], contender: Contender, pollers: Pollers, senders: Senders
) -> None:
    """One round of what the stream replaces: each payer asks how the top-up stands."""
    paid = contender.topups[:POLLERS]
    pollers.watch([(topup.tx_ref, topup.cookie) for topup in paid], POLL_SECONDS)
    bodies = [webhook(topup.as_answered(), PART_VND) for topup in paid]
    sent = senders.send(bodies, CONNECTIONS, per_second=PER_SECOND)
    note(figures, POLLING, _delays(contender, paid, sent, pollers.wait()))


def _delays(
    contender: Contender, paid: Sequence[OpenTopup], sent: Sent, seen: dict[str, Any]
) -> list[float]:
    arrivals = seen["arrivals"]
    if sent.failed or len(arrivals) != len(paid):
        raise SystemExit(f"{contender.name}: {sent.failed} refused, {len(arrivals)} frames.")
    when = dict(zip((topup.tx_ref for topup in paid), sent.sent, strict=True))
    return [at - when[tx_ref] for tx_ref, at in arrivals]


def measure_floor(
    figures: Sequence[Figure], database_url: str, topups: Sequence[OpenTopup], payments: int
) -> None:
    note(figures, FLOOR, asyncio.run(_floor(database_url, topups, payments)))


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
