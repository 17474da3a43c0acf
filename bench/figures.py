"""What was measured, round by round, and the ratios that it comes to.

Only ratios carry over from a noisy machine: each is of two values of the same round.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

OURS = "napvi"
CLIENT_CPU_MAX = 0.5


@dataclass(frozen=True)
class Spread:
    """Of one number over the rounds."""

    median: float
    least: float
    most: float


def spread(values: Sequence[float]) -> Spread:
    return Spread(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Aim:
    """napvi is to be at least, or at most, so many times `other`."""

    other: str
    bound: Literal["at least", "at most"]
    times: float

    def met(self, ratio: float) -> bool:
        return ratio >= self.times if self.bound == "at least" else ratio <= self.times

    def __str__(self) -> str:
        return f"{self.bound} {self.times:g} × {self.other}"


@dataclass
class Figure:
    """One quantity of one workload: `values[contender]` has one number for each round.

    `most`: what napvi is to stay below, whoever else is measured.
    `busy_clients`: contenders whose client worked more than half the time in some round: what was
    measured is partly the client, and they may be better than that.
    """

    workload: str
    name: str
    unit: str
    aims: tuple[Aim, ...] = ()
    most: float | None = None
    values: dict[str, list[float]] = field(default_factory=dict)
    busy_clients: list[str] = field(default_factory=list)

    def add(self, contender: str, value: float, client_cpu: float = 0.0) -> None:
        """`client_cpu`: of whoever measured it, in CPUs."""
        self.values.setdefault(contender, []).append(value)
        if client_cpu > CLIENT_CPU_MAX and contender not in self.busy_clients:
            self.busy_clients.append(contender)

    def ratio(self, other: str) -> Spread:
        """napvi's to that of `other`, of the same round."""
        pairs = zip(self.values[OURS], self.values[other], strict=True)
        return spread([ours / theirs for ours, theirs in pairs])

    def others(self) -> list[str]:
        return [contender for contender in self.values if contender != OURS]
