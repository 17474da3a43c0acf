"""Workload 4: what it costs that one connection listens to many channels, as each process does.

From COMMIT to the notification's arrival at the connection that listens, and one append with its
commit, at 10 to 10,000 channels. On a PostgreSQL that does not sync, so that no disk hides it; the
connections are read without psycopg's own work, which would be the same at every number.
"""

import itertools
import json
import random
import select
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import LiteralString

import psycopg
from psycopg import sql

from app.database.store import APPEND_EVENTS
from app.model import TxRef, new_tx_ref
from app.payos.webhook import read_webhook
from app.stream.channels import channel_of
from bench.databases import bin_dir_of, unsynced_database
from bench.figures import OURS, Aim, Figure
from bench.scale import Scale
from bench.topups import topups_of
from tests.bulk import OpenTopup
from tests.processes.payer import webhook
from tests.services import CHANNEL, CHECKSUM_KEY

WORKLOAD = "channels"
FEWEST, MORE = 10, (100, 1_000, 10_000)
FEW = f"{FEWEST} channels"
TIMES_MAX = 1.2
PART_VND = 1
WARM_UP, TOPUPS = 20, 200
SECONDS_MAX = 10.0


class Listened:
    """A database of its own, with a connection that pays and one that listens to `count` channels.

    What is notified in another database wakes nobody here.
    """

    def __init__(self, stack: ExitStack, database_url: str, count: int) -> None:
        self.count = count
        url = _copy(database_url, f"listened_{count}")
        self._topups = itertools.cycle(topups_of(url, TOPUPS, TOPUPS))
        self._listening, self._paying = (
            stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(2)
        )
        self._paying.prepare_threshold = 1
        self._paid: str = new_tx_ref()
        others = [new_tx_ref() for _ in range(count - 1)]
        self._change(*[("LISTEN", tx_ref) for tx_ref in (self._paid, *others)])
        for _ in range(WARM_UP):
            self.append_ms()

    def _next(self) -> OpenTopup:
        """Another top-up: its channel takes the place of the one before, as streams come and go."""
        topup = next(self._topups)
        self._change(("UNLISTEN", self._paid), ("LISTEN", topup.tx_ref))
        self._paid = topup.tx_ref
        return topup

    def _change(self, *changes: tuple[LiteralString, str]) -> None:
        """All in one commit, as the service does it."""
        statements = [
            sql.SQL(f"{what} {{}}").format(sql.Identifier(channel_of(TxRef(tx_ref))))
            for what, tx_ref in changes
        ]
        self._listening.execute(sql.SQL("; ").join(statements))

    def append_ms(self) -> float:
        """One payment in a commit of its own, until it is answered."""
        values = _values(self._next())
        started = time.perf_counter()
        self._paying.execute(APPEND_EVENTS, values).fetchall()
        seconds = time.perf_counter() - started
        self._await_notification()
        return seconds * 1000

    def notified_ms(self) -> float:
        """From the COMMIT of a payment, which is sent and not waited for."""
        values = _values(self._next())
        self._paying.execute("BEGIN")
        self._paying.execute(APPEND_EVENTS, values).fetchall()
        started = time.perf_counter()
        self._paying.pgconn.send_query(b"COMMIT")
        self._await_notification()
        seconds = time.perf_counter() - started
        while self._paying.pgconn.get_result() is not None:
            pass
        return seconds * 1000

    def _await_notification(self) -> None:
        connection = self._listening.pgconn
        while connection.notifies() is None:
            readable, _, _ = select.select([connection.socket], [], [], SECONDS_MAX)
            if not readable:
                raise SystemExit("A payment was not notified.")
            connection.consume_input()


def run(database_url: str, scale: Scale) -> list[Figure]:
    aims = (Aim(FEW, "at most", TIMES_MAX),)
    notified, appended = (
        {count: Figure(WORKLOAD, f"{name}, {count} channels", "ms", aims) for count in MORE}
        for name in ("COMMIT to notification", "append")
    )
    with ExitStack() as stack:
        url = stack.enter_context(unsynced_database(bin_dir_of(database_url)))
        all_listened = [Listened(stack, url, count) for count in (FEWEST, *MORE)]
        for _ in scale.each_round(WORKLOAD):
            _note(notified, all_listened, Listened.notified_ms, scale.payments)
            _note(appended, all_listened, Listened.append_ms, scale.payments)
    return [*notified.values(), *appended.values()]


def _note(
    figures: dict[int, Figure],
    all_listened: Sequence[Listened],
    measure: Callable[[Listened], float],
    calls: int,
) -> None:
    """One round: call by call in turn, and the lower quartile, which others disturb least."""
    some_ms: dict[int, list[float]] = {listened.count: [] for listened in all_listened}
    for _ in range(calls):
        for listened in random.sample(all_listened, len(all_listened)):
            some_ms[listened.count].append(measure(listened))
    quartile_ms = {count: statistics.quantiles(some, n=4)[0] for count, some in some_ms.items()}
    for count, figure in figures.items():
        figure.add(OURS, quartile_ms[count])
        figure.add(FEW, quartile_ms[FEWEST])


def _copy(database_url: str, dbname: str) -> str:
    """The URL of a new database like that one, to which nobody is connected."""
    with psycopg.connect(_of(database_url, "template1"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {dbname} TEMPLATE postgres")
    return _of(database_url, dbname)


def _of(database_url: str, dbname: str) -> str:
    return database_url.replace("/postgres?", f"/{dbname}?")


def _values(topup: OpenTopup) -> tuple[object, ...]:
    """Of APPEND_EVENTS, for a new transfer."""
    fact = read_webhook(webhook(topup.as_answered(), PART_VND), [CHECKSUM_KEY], CHANNEL).fact
    return (
        *([str(fact.event_id)], [str(fact.type)], [fact.tx_ref], [json.dumps(fact.data)]),
        *([fact.occurred_at.isoformat()], [fact.body]),
    )
