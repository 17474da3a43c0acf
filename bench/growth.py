"""What growth costs: the same calls on databases of 10,000, 100,000 and 1,000,000 events.

Three databases on one PostgreSQL that does not sync, so that no disk hides what the statements
cost. Rounds go through all of them in turn. Besides times, which depend on the machine: how many
pages of 8 KiB a call touches, which does not. A deeper tree costs one page for each descent.
"""

import platform
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import click
import psycopg

from app.database.embedded.binaries import find_binaries
from bench.growth_calls import CALLS, Call, Targets
from bench.growth_fill import fill, prove
from tests.conftest import install_schema
from tests.postgres import Postgres, throw_away_postgres

PROVED_EVENTS_MAX = 100_000
ROUNDS, CALLS_PER_ROUND, EXPLAINED = 15, 3, 5
WARM_UP_ROUNDS = 2
Seconds = dict[str, list[float]]


@click.command()
@click.option("--sizes", default="10000,100000,1000000", show_default=True, help="Events.")
@click.option("--only", default="", help="Calls whose name contains this.")
def main(sizes: str, only: str) -> None:
    """Measure what each call costs at each size."""
    counts = [int(size) for size in sizes.split(",")]
    calls = {name: call for name, call in CALLS.items() if only in name}
    with throw_away_postgres(find_binaries()) as postgres, ExitStack() as stack:
        targets = [stack.enter_context(_filled(postgres, count)) for count in counts]
        seconds = _measure(targets, calls)
        pages = [{name: _pages(target, call) for name, call in calls.items()} for target in targets]
    print(f"PostgreSQL as shipped, without sync; Python {platform.python_version()}")
    print(
        f"median ms (middle half), ratio of the medians to that of {counts[0]} events, and of the"
    )
    print("lower quartiles, which a busy machine disturbs less; pages touched by one call")
    for name in calls:
        _print_line(name, [each[name] for each in seconds], [each[name] for each in pages])


@contextmanager
def _filled(postgres: Postgres, events: int) -> Iterator[Targets]:
    dbname = f"growth_{events}"
    with postgres.database(dbname) as url:
        install_schema(
            host=postgres.host, port=postgres.port, user=postgres.user, dbname=dbname,
            password=None, autocommit=True,
        )  # fmt: skip
        started = time.monotonic()
        fill(url, events)
        if events <= PROVED_EVENTS_MAX:
            prove(url)
        print(f"{events} events in {time.monotonic() - started:.0f} s", flush=True)
        with psycopg.connect(url, autocommit=True, prepare_threshold=2) as connection:
            yield Targets(connection)


def _measure(targets: Sequence[Targets], calls: dict[str, Call]) -> list[Seconds]:
    seconds: list[Seconds] = [{name: [] for name in calls} for _ in targets]
    for number in range(WARM_UP_ROUNDS + ROUNDS):
        order = list(range(len(targets)))
        order = order[number % len(order) :] + order[: number % len(order)]
        for name, call in calls.items():
            for which in order:
                for _ in range(CALLS_PER_ROUND):
                    statements = call(targets[which])
                    started = time.perf_counter()
                    for statement, values in statements:
                        targets[which].connection.execute(statement, values).fetchall()
                    if number >= WARM_UP_ROUNDS:
                        seconds[which][name].append(time.perf_counter() - started)
    return seconds


def _pages(targets: Targets, call: Callable[[Targets], Any]) -> int:
    """Of one call, the median of a few; what functions and triggers touch is in it."""
    found = []
    for _ in range(EXPLAINED):
        touched = 0
        for statement, values in call(targets):
            explain = "EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) " + statement
            [(plans,)] = targets.connection.execute(explain, values).fetchall()
            plan = plans[0]["Plan"]
            touched += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        found.append(touched)
    return int(statistics.median(found))


def _print_line(name: str, seconds: Sequence[Sequence[float]], pages: Sequence[int]) -> None:
    cells = []
    base_low, base, _ = statistics.quantiles(seconds[0], n=4)
    for some in seconds:
        low, middle, high = statistics.quantiles(some, n=4)
        spread = f"{low * 1000:.2f}-{high * 1000:.2f}"
        ratios = f"{middle / base:5.2f} {low / base_low:5.2f}"
        cells.append(f"{middle * 1000:6.2f} ({spread:>11}) {ratios}")
    print(f"  {name:28}", " | ".join(cells), "| pages", *pages, flush=True)


if __name__ == "__main__":
    main()
