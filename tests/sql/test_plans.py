"""Hot queries look at what they answer, by an index, however long the log is.

CI has a log of 50,000 events; `--events 1000000` makes one of a million.
"""

from typing import LiteralString

import pytest
from pytest_postgresql.executors import NoopExecutor

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
