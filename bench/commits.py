"""What it is worth that payments share a commit, where a commit is cheap and where it is dear.

Cheap: fsync is off. Dear: the commit waits for the disk, and for that of a synchronous standby.
Dearer: until that standby shows it, which it does some milliseconds later, as if it were far away.
On each, napvi with its natural batching beside napvi with one fact in a commit.
"""

import statistics
import time
from contextlib import ExitStack

import psycopg

from bench.contenders import napvi
from bench.databases import (
    FAR_MS,
    bin_dir_of,
    far_replicated_database,
    replicated_database,
    unsynced_database,
)
from bench.figures import OURS, Aim, Figure, spread
from bench.scale import Scale
from bench.senders import senders_to
from bench.webhooks import PAYERS, part, pay

WORKLOAD = "commits"
UNBATCHED = "napvi, one in a commit"
UNBATCHED_SHARE = 4  # of the webhooks: it is slow
COMMITS = 100
DEAR_MS = 1.0
TABLE = "CREATE TABLE bench_commits (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"
KEPT_PROMISE = """
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'
"""
"""As topup.append_events has it."""
INSERT = "INSERT INTO bench_commits DEFAULT VALUES"


class Place:
    """One database with napvi on it twice: batching, and not."""

    def __init__(self, stack: ExitStack, database_url: str, name: str, topups: int) -> None:
        self._connection = stack.enter_context(psycopg.connect(database_url))
        self._connection.execute(KEPT_PROMISE)
        self._connection.execute(TABLE)
        self._connection.commit()
        contenders = (
            napvi(database_url, topups, payers=PAYERS),
            napvi(
                database_url,
                topups // UNBATCHED_SHARE,
                UNBATCHED,
                payers=PAYERS,
                NAPVI_APPEND_BATCH_MAX="1",
            ),
        )
        started = [stack.enter_context(contender) for contender in contenders]
        self._paid = [(one, stack.enter_context(senders_to(one.url))) for one in started]
        self.rate = Figure(WORKLOAD, f"webhooks, {name}", "1/s")
        self.commit = Figure(WORKLOAD, f"commit of one row, {name}", "ms")

    def measure(self, number: int, count: int) -> None:
        """One round, the `number`th."""
        self.commit.add(OURS, self._commit_ms())
        for contender, senders in self._paid:
            some = count // UNBATCHED_SHARE if contender.name == UNBATCHED else count
            sent = pay(contender, senders, part(contender, number, some))
            self.rate.add(contender.name, some / sent.seconds)

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
    count = scale.webhooks // 2
    databases = {
        "fsync off": unsynced_database,
        "synchronous standby": replicated_database,
        f"standby that shows commits {FAR_MS} ms later": far_replicated_database,
    }
    with ExitStack() as stack:
        places = [
            Place(stack, stack.enter_context(database(bin_dir)), name, scale.rounds * count)
            for name, database in databases.items()
        ]
        for number in scale.each_round(WORKLOAD):
            for place in places:
                place.measure(number, count)
        for place in places:
            place.aim()
    return [figure for place in places for figure in (place.rate, place.commit)]
