"""Whoever puts events in at a steady rate, behind the service's back: no webhook, no HTTP to it.

Those of napvi come out of a database commit, as all of its events do; those of the others are
handed to Redis or to nchan and written nowhere.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.child import Child, program
from bench.contenders import Contender
from tests.bulk import OpenTopup


@dataclass(frozen=True)
class Published:
    """`sent`: CLOCK_MONOTONIC of when the COMMIT, or the message, of each event was sent; `taken`:
    of its answer.
    """

    seconds: float
    cpu_seconds: float
    sent: list[float]
    taken: list[float]


class Publishers:
    def __init__(self, process: Child, contender: Contender) -> None:
        self._process, self._contender = process, contender

    def publish(self, topups: Sequence[OpenTopup], per_second: float | None = None) -> Published:
        """An event of each, in order; as fast as it goes without `per_second`. Returns when all
        are taken.
        """
        events = [(topup.tx_ref, self._contender.event(topup).decode()) for topup in topups]
        return Published(**self._process.call("publish", events=events, per_second=per_second))


@contextmanager
def publishers_to(contender: Contender) -> Iterator[Publishers]:
    with program("bench.publishers_process", contender.events_at) as process:
        yield Publishers(process, contender)
