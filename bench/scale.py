"""How much is measured: enough for ratios, or enough to see that the benchmarks work."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click


@dataclass(frozen=True)
class Scale:
    """`streams` are open while payments come; `crowd` of them are held by those who can.

    The crowd is measured in `crowd_rounds`, and its rest for `crowd_rest_seconds`: a heartbeat of
    each stream. `flood_seconds`: how long events come to distinct streams. `events`: in a small log
    and in larger ones.
    """

    rounds: int
    streams: int
    crowd: int
    crowd_rounds: int
    crowd_rest_seconds: float
    flood_seconds: float
    payments: int
    webhooks: int
    clients: tuple[int, ...]
    events: tuple[int, ...]

    def each_round(self, workload: str) -> Iterator[int]:
        """Says how far it is, on standard error."""
        with click.progressbar(range(self.rounds), label=workload, file=sys.stderr) as bar:
            yield from bar


FULL = Scale(
    rounds=5,
    streams=1_000,
    crowd=10_000,
    crowd_rounds=1,
    crowd_rest_seconds=30.0,
    flood_seconds=1.0,
    payments=200,
    webhooks=1_000,
    clients=(1, 8, 32),
    events=(10_000, 100_000, 1_000_000),
)
QUICK = Scale(
    rounds=1,
    streams=100,
    crowd=300,
    crowd_rounds=1,
    crowd_rest_seconds=1.0,
    flood_seconds=1.0,
    payments=50,
    webhooks=300,
    clients=(1, 16),
    events=(10_000, 20_000),
)
