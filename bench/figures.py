"""What was measured, round by round, and the ratios that it comes to.

Only ratios carry over from a noisy machine: each is of two values of the same round.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

OURS = "napvi"


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
    """

    workload: str
    name: str
    unit: str
    aims: tuple[Aim, ...] = ()
    most: float | None = None
    values: dict[str, list[float]] = field(default_factory=dict)

    def add(self, contender: str, value: float) -> None:
        self.values.setdefault(contender, []).append(value)

    def ratio(self, other: str) -> Spread:
        """napvi's to that of `other`, of the same round."""
        pairs = zip(self.values[OURS], self.values[other], strict=True)
        return spread([ours / theirs for ours, theirs in pairs])

    def others(self) -> list[str]:
        return [contender for contender in self.values if contender != OURS]
