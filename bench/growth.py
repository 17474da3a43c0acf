"""Workload 4: what growth costs: the same calls where the log has 10,000 events and many more.

Databases of one PostgreSQL that does not sync, so that no disk hides what the statements cost.
A busy user has every fifth top-up. How many pages a call touches, which depends on no machine:
`python -m bench.growth_pages`.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import psycopg

from bench.databases import bin_dir_of
from bench.figures import OURS, Aim, Figure
from bench.growth_calls import CALLS, Call, Targets
from bench.growth_fill import fill, prove
from bench.scale import Scale
from tests.conftest import install_schema
from tests.postgres import Postgres, throw_away_postgres

WORKLOAD = "growth"
TIMES_MAX = 1.2
PROVED_EVENTS_MAX = 100_000
WARM_UP, CALLS_PER_ROUND = 6, 60
USING_UP = {"append 16": 4, "append 1": 12, "append 1, busy user": 12}
"""Calls a round of those that take from the top-ups that wait for money: there are not many."""
ROUNDS_MAX = 12


def run(database_url: str, scale: Scale) -> list[Figure]:
    if scale.rounds > ROUNDS_MAX:
        raise SystemExit(f"{WORKLOAD}: at most {ROUNDS_MAX} rounds, then no top-up waits any more.")
    few, *more = scale.events
    small = f"{few:,} events"
    aims = (Aim(small, "at most", TIMES_MAX),)
    figures = {
        name: [Figure(WORKLOAD, f"{name}, {many:,} events", "ms", aims) for many in more]
        for name in CALLS
    }
    with throw_away_postgres(bin_dir_of(database_url)) as postgres, ExitStack() as stack:
        logs = [stack.enter_context(filled(postgres, count)) for count in scale.events]
        for call in CALLS.values():
            _median_ms(logs, call, WARM_UP)
        for _ in scale.each_round(WORKLOAD):
            for name, call in CALLS.items():
                least, *taken = _median_ms(logs, call, USING_UP.get(name, CALLS_PER_ROUND))
                for figure, one in zip(figures[name], taken, strict=True):
                    figure.add(OURS, one)
                    figure.add(small, least)
    return [figure for of_call in figures.values() for figure in of_call]


@contextmanager
def filled(postgres: Postgres, events: int) -> Iterator[Targets]:
    """A database with so many events, as the application sees it."""
    dbname = f"growth_{events}"
    with postgres.database(dbname) as url:
        install_schema(
            host=postgres.host, port=postgres.port, user=postgres.user, dbname=dbname,
            password=None, autocommit=True,
        )  # fmt: skip
        fill(url, events)
        if events <= PROVED_EVENTS_MAX:
            prove(url)
        with psycopg.connect(url, autocommit=True, prepare_threshold=2) as connection:
            yield Targets(connection)


def _median_ms(targets: Sequence[Targets], call: Call, count: int) -> list[float]:
    """Of each, call by call, and who comes first in turn, so that each follows each as often."""
    taken: list[list[float]] = [[] for _ in targets]
    for number in range(count):
        for place in range(len(targets)):
            which = (number + place) % len(targets)
            statements = call(targets[which])
            started = time.perf_counter()
            for statement, values in statements:
                targets[which].connection.execute(statement, values).fetchall()
            taken[which].append((time.perf_counter() - started) * 1000)
    return [statistics.median(some) for some in taken]
