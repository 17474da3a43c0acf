"""What it is worth that payments share a commit, where a commit is cheap and where it is dear.

Cheap: fsync is off. Dear: the commit waits for the disk, and for that of a synchronous standby.
On each, napvi with its natural batching beside napvi with one fact in a commit.
"""

import statistics
import time
from contextlib import ExitStack

import psycopg

from bench.contenders import napvi
from bench.databases import bin_dir_of, replicated_database, unsynced_database
from bench.figures import OURS, Aim, Figure, spread
from bench.scale import Scale
from bench.senders import senders_to
from bench.webhooks import pay

WORKLOAD = "commits"
UNBATCHED = "napvi, one in a commit"
UNBATCHED_SHARE = 4  # of the webhooks: it is slow
TOPUPS = 500
COMMITS = 100
DEAR_MS = 1.0
TABLE = "CREATE TABLE bench_commits (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"
INSERT = "INSERT INTO bench_commits DEFAULT VALUES"


class Place:
    """One database with napvi on it twice: batching, and not."""

    def __init__(self, stack: ExitStack, database_url: str, name: str) -> None:
        self._connection = stack.enter_context(psycopg.connect(database_url))
        self._connection.execute("SET synchronous_commit = on")
        self._connection.execute(TABLE)
        self._connection.commit()
        contenders = (
            napvi(database_url, TOPUPS, payers=TOPUPS),
            napvi(database_url, TOPUPS, UNBATCHED, payers=TOPUPS, NAPVI_APPEND_BATCH_MAX="1"),
        )
        started = [stack.enter_context(contender) for contender in contenders]
        self._paid = [(one, stack.enter_context(senders_to(one.url))) for one in started]
        self.rate = Figure(WORKLOAD, f"webhooks, {name}", "1/s")
        self.commit = Figure(WORKLOAD, f"commit of one row, {name}", "ms")

    def measure(self, count: int) -> None:
        """One round."""
        self.commit.add(OURS, self._commit_ms())
        for contender, senders in self._paid:
            some = count // UNBATCHED_SHARE if contender.name == UNBATCHED else count
            self.rate.add(contender.name, some / pay(contender, senders, some).seconds)

    def aim(self) -> None:
        """What is aimed at depends on what a commit costs."""
        dear = spread(self.commit.values[OURS]).median >= DEAR_MS
        self.rate.aims = (Aim(UNBATCHED, "at least", 3 if dear else 1),)

    def _commit_ms(self) -> float:
        """The median, from COMMIT to its answer."""
        seconds = []
        for _ in range(COMMITS):
            self._connection.execute(INSERT)
            started = time.perf_counter()
            self._connection.commit()
            seconds.append(time.perf_counter() - started)
        return statistics.median(seconds) * 1000


def run(database_url: str, scale: Scale) -> list[Figure]:
    bin_dir = bin_dir_of(database_url)
    with ExitStack() as stack:
        places = [
            Place(stack, stack.enter_context(unsynced_database(bin_dir)), "fsync off"),
            Place(stack, stack.enter_context(replicated_database(bin_dir)), "synchronous standby"),
        ]
        for _ in scale.each_round(WORKLOAD):
            for place in places:
                place.measure(scale.webhooks // 2)
        for place in places:
            place.aim()
    return [figure for place in places for figure in (place.rate, place.commit)]
