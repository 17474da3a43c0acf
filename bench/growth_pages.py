"""`python -m bench.growth_pages`: how many pages of 8 KiB a call touches, as the log grows.

No machine makes that number larger or smaller. A deeper tree costs one page for each descent.
"""

import statistics
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import click

from app.database.embedded.binaries import find_binaries
from bench.growth import filled
from bench.growth_calls import CALLS, Targets
from tests.postgres import throw_away_postgres

WARM_UP, EXPLAINED = 5, 5


@click.command()
@click.option("--sizes", default="10000,100000,1000000", show_default=True, help="Events.")
def main(sizes: str) -> None:
    """Count the pages that each call touches at each size."""
    counts = [int(size) for size in sizes.split(",")]
    with throw_away_postgres(find_binaries()) as postgres, ExitStack() as stack:
        targets = [stack.enter_context(filled(postgres, count)) for count in counts]
        for name, call in CALLS.items():
            click.echo(f"{name:28} {[_pages(each, call) for each in targets]}")


def _pages(targets: Targets, call: Callable[[Targets], Any]) -> int:
    """Of one call, the median of a few; what functions and triggers touch is in it."""
    for _ in range(WARM_UP):
        for statement, values in call(targets):
            targets.connection.execute(statement, values).fetchall()
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


if __name__ == "__main__":
    main()
