"""Hot queries look at what they answer, by an index, however long the log is.

CI has a log of 50,000 events; `--events 1000000` makes one of a million.
"""

from collections.abc import Sequence
from typing import LiteralString
from uuid import uuid4

import pytest
from pytest_postgresql.executors import NoopExecutor

from app.database.leases import OPEN_STREAMS
from app.database.openings import OPEN
from app.database.store import APPEND_EVENTS, UPDATES
from app.model import new_tx_ref
from tests.payments import Process, connected, element, transfer
from tests.postgres import Postgres
from tests.sql.full_log import fill
from tests.sql.hot_queries import Hot, hot_queries
from tests.sql.plans import Work, explained

GROW_WITH_THE_LOG = {
    "events",
    "ledger_entries",
    "payos_bodies",
    "sessions",
    "topups",
    "users",
    "wallets",
}
MODES: tuple[LiteralString, ...] = ("force_custom_plan", "force_generic_plan")


def complaints(hot: Hot, work: Work) -> list[str]:
    found = [f"reads all of {table}" for table in work.read_whole & GROW_WITH_THE_LOG]
    found += [f"does not use {index}" for index in hot.indexes - work.indexes]
    if work.rows > hot.rows_max:
        found.append(f"looks at {work.rows} rows instead of {hot.rows_max}")
    return found


@pytest.mark.timeout(600)
async def test_no_hot_query_looks_at_more_than_it_answers(
    pytestconfig: pytest.Config, postgres: Postgres, schema: NoopExecutor
) -> None:
    events = pytestconfig.getoption("--events")
    found = {}
    with postgres.database("full", schema.template_dbname) as url:
        fill(url, events)
        for mode in MODES:
            async with explained(url, mode) as connection:
                for name, hot in hot_queries(events // 2).items():
                    work = await connection.work(hot.statement, hot.values)
                    if complaint := complaints(hot, work):
                        found[f"{name}, {mode}"] = complaint
    assert found == {}


async def test_a_plan_made_for_small_tables_does_for_large_ones(
    process: Process, database_url: str
) -> None:
    """A session keeps the plans of its first calls, on the day of the installation too."""
    topup = await process.topup()
    async with connected(database_url) as connection:
        await connection.execute("ANALYZE")  # now the planner knows that one page is all there is
    paid = element(transfer(topup.order_code, 1_000))
    tx_refs, grace_seconds = [topup.tx_ref], 900.0
    doors: dict[str, tuple[LiteralString, Sequence[object]]] = {
        "open": (OPEN, (new_tx_ref(), uuid4(), topup.user_id, 50_000, 900, 20, "k", "p", 60.0)),
        "record": (APPEND_EVENTS, [[value] for value in paid]),
        "read": (UPDATES, (tx_refs, [None], grace_seconds)),
        "stream": (OPEN_STREAMS, (1, [1], [b""], tx_refs, [None], 1_800, grace_seconds, 10, 5.0)),
    }
    async with explained(database_url, "auto") as connection:
        whole = {name: (await connection.work(*door)).read_whole for name, door in doors.items()}
    assert {name: read & GROW_WITH_THE_LOG for name, read in whole.items()} == {
        name: set() for name in doors
    }
