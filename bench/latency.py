"""Workload 1: from a webhook to the frame in the browser, while many stream and payments come.

The floor is what PostgreSQL and asyncio allow: a bare INSERT with pg_notify in one transaction,
to a connection that listens.
"""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing

import psycopg

from bench.contenders import Contender
from bench.crowd import Crowd
from bench.figures import Aim, Figure
from bench.senders import Senders
from tests.bulk import OpenTopup
from tests.processes.payer import webhook

WORKLOAD = "latency"
PART_VND = 1  # a top-up that is not paid in full goes on
PER_SECOND = 50.0
CONNECTIONS = 8
FLOOR_SECONDS_MAX = 20.0
FLOOR = "floor: INSERT + NOTIFY"
PEER = "Starlette + Redis"

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


def figures() -> list[Figure]:
    aims = (Aim(PEER, "at most", 1), Aim(FLOOR, "at most", 4))
    return [
        Figure(WORKLOAD, "p50 from webhook to frame", "ms", aims),
        Figure(WORKLOAD, "p99 from webhook to frame", "ms", aims[:1]),
    ]


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
    streams: int,
    payments: int,
) -> None:
    """One round: each payment is of another top-up, whose stream gets the frame."""
    paid = contender.topups[: min(payments, streams)]
    crowd.forget()
    bodies = [webhook(topup.as_answered(), PART_VND) for topup in paid]
    sent = senders.send(bodies, CONNECTIONS, per_second=PER_SECOND)
    arrivals = crowd.wait(len(paid))["arrivals"]
    if sent.failed or len(arrivals) != len(paid):
        raise SystemExit(f"{contender.name}: {sent.failed} refused, {len(arrivals)} frames.")
    when = dict(zip((topup.tx_ref for topup in paid), sent.sent, strict=True))
    note(figures, contender.name, [at - when[tx_ref] for tx_ref, at in arrivals])


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
