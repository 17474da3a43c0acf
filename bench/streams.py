"""Workload 3: what open streams cost: memory, opening, rest, one event to all, many to distinct.

Memory is what the server's processes hold (PSS) above what they held before the first stream,
without the kernel's buffers; that of Redis and PostgreSQL is in neither. nchan is the physical
reference: in C, without a login, an owner or a database. Of the events to distinct streams those of
napvi come out of a database commit, and the others' do not: "commit" is their message.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import cycle, islice

from bench.contenders import PEER, napvi, starlette_redis
from bench.crowd import TICKS_PER_SECOND
from bench.figures import Aim, Figure
from bench.holding import Holding, holding_at
from bench.nchan import nchan
from bench.scale import Scale

WORKLOAD = "streams"
MEMORY_KIB_MAX = 20.0
REST_SECONDS = 2.0
FLOOD_PER_SECOND = 1_000.0
KEPT_PERCENT_MIN = 0.1


@dataclass(frozen=True)
class Figures:
    """Of so many streams."""

    count: int
    memory: Figure
    kept: Figure
    opened: Figure
    rest: Figure
    to_all: Figure
    flood: tuple[Figure, ...]

    def all(self) -> list[Figure]:
        return [self.memory, self.kept, self.opened, self.rest, self.to_all, *self.flood]


def run(database_url: str, scale: Scale) -> list[Figure]:
    figures = _figures(scale.streams, "", peer=True)
    crowd = _figures(scale.crowd, f", {scale.crowd}", peer=False)
    with ExitStack() as stack:
        many = max(scale.streams, scale.crowd)
        ours = stack.enter_context(napvi(database_url, many))
        peer = stack.enter_context(starlette_redis(database_url, scale.streams))
        reference = stack.enter_context(nchan(ours.topups))
        holdings = [stack.enter_context(holding_at(each)) for each in (ours, peer, reference)]
        for _ in scale.each_round(WORKLOAD):
            measure(figures, holdings, REST_SECONDS, scale.flood_seconds)
        fewer = replace(scale, rounds=min(scale.rounds, scale.crowd_rounds))
        # Not the peer: it takes two open files for each, often more than a process may.
        alone = [holding for holding in holdings if holding.contender is not peer]
        for _ in fewer.each_round(f"{WORKLOAD}, {scale.crowd}"):
            measure(crowd, alone, scale.crowd_rest_seconds, scale.flood_seconds)
    return figures.all() + crowd.all()


def _figures(count: int, suffix: str, *, peer: bool) -> Figures:
    half, same = Aim(PEER, "at most", 0.5), Aim(PEER, "at least", 1)

    def figure(name: str, unit: str, *aims: Aim, most: float | None = None) -> Figure:
        return Figure(WORKLOAD, f"{name}{suffix}", unit, aims if peer else (), most)

    return Figures(
        count,
        figure("memory of a stream", "KiB", half, most=None if peer else MEMORY_KIB_MAX),
        figure("memory kept after all left", "%"),
        figure("streams opened", "1/s", same),
        figure("CPU at rest", "%"),
        figure("one event to all", "ms"),
        (
            figure("1,000 events/s to distinct streams: came through", "1/s"),
            figure("1,000 events/s: p50 of the commit", "ms"),
            figure("1,000 events/s: p50 from commit to frame", "ms"),
            figure("1,000 events/s: p99 from commit to frame", "ms"),
            figure("1,000 events/s: CPU of the service", "ms each"),
        ),
    )


def measure(
    figures: Figures, holdings: Sequence[Holding], rest_seconds: float, flood_seconds: float
) -> None:
    """One round."""
    taken_kib = [_fill(figures, holding) for holding in holdings]
    _rest(figures, holdings, rest_seconds)
    for holding, taken in zip(holdings, taken_kib, strict=True):
        _flood(figures, holding, flood_seconds)
        holding.close()
        kept = max(holding.taken_kib() / taken * 100, KEPT_PERCENT_MIN)
        figures.kept.add(holding.contender.name, kept)
    for holding in holdings:
        _tell_all(figures, holding)


def _fill(figures: Figures, holding: Holding) -> float:
    """What the streams took, in KiB; they stay open."""
    name = holding.contender.name
    opened = holding.open(holding.contender.topups[: figures.count])
    holding.settle()
    figures.opened.add(name, opened.value, opened.client_cpu)
    taken = holding.taken_kib()
    figures.memory.add(name, taken / figures.count)
    return taken


def _rest(figures: Figures, holdings: Sequence[Holding], seconds: float) -> None:
    """All of them at the same time. Percent of a CPU, at least what a clock tick is."""
    before = [holding.cpu_seconds() for holding in holdings]
    time.sleep(seconds)
    for holding, used_before in zip(holdings, before, strict=True):
        used = max(holding.cpu_seconds() - used_before, 1 / TICKS_PER_SECOND)
        figures.rest.add(holding.contender.name, used / seconds * 100)


def _flood(figures: Figures, holding: Holding, seconds: float) -> None:
    streamed = holding.contender.topups[: figures.count]
    told = list(islice(cycle(streamed), int(seconds * FLOOD_PER_SECOND)))
    flood = holding.flood(told, FLOOD_PER_SECOND)
    values = (flood.per_second, flood.taken_ms, flood.p50_ms, flood.p99_ms, flood.cpu_ms)
    for figure, value in zip(figures.flood, values, strict=True):
        figure.add(holding.contender.name, value, flood.client_cpu)


def _tell_all(figures: Figures, holding: Holding) -> None:
    topup = holding.contender.topups[0]
    holding.open([topup] * figures.count)
    holding.settle()
    told = holding.tell_all(topup, figures.count)
    figures.to_all.add(holding.contender.name, told.value, told.client_cpu)
    holding.close()
