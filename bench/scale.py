"""How much is measured: enough for ratios, or enough to see that the benchmarks work."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import click


@dataclass(frozen=True)
class Scale:
    """`streams` are open while payments come; `crowd` of them are held at napvi alone."""

    rounds: int
    streams: int
    crowd: int
    payments: int
    webhooks: int
    clients: tuple[int, ...]

    def each_round(self, workload: str) -> Iterator[int]:
        """Says how far it is, on standard error."""
        with click.progressbar(range(self.rounds), label=workload, file=sys.stderr) as bar:
            yield from bar


FULL = Scale(5, streams=1_000, crowd=5_000, payments=200, webhooks=1_000, clients=(1, 8, 32))
QUICK = Scale(1, streams=100, crowd=300, payments=50, webhooks=300, clients=(1, 16))
