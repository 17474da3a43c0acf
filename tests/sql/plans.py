"""What PostgreSQL really does for a statement, and for all that its functions and triggers do."""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

from psycopg import AsyncConnection
from psycopg.errors import Diagnostic

LOUD: tuple[LiteralString, ...] = (
    "LOAD 'auto_explain'",
    "SET auto_explain.log_min_duration = 0",
    "SET auto_explain.log_nested_statements = on",
    "SET auto_explain.log_analyze = on",
    "SET auto_explain.log_timing = off",
    "SET auto_explain.log_format = json",
    "SET client_min_messages = log",
)
PLAN = "plan:\n"


@dataclass
class Work:
    """`rows`: what the scans looked at, of the tables, whether it was wanted or not."""

    indexes: set[str] = field(default_factory=set)
    read_whole: set[str] = field(default_factory=set)
    rows: int = 0


class Explained:
    """A connection in a transaction of its own, as the application, that tells every plan."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._plans: list[Any] = []
        connection.add_notice_handler(self._hear)

    async def work(self, statement: LiteralString, values: Sequence[object]) -> Work:
        """What `statement` does; afterwards it has not been done."""
        self._plans.clear()
        async with self._connection.transaction(force_rollback=True):
            await self._connection.execute(statement, values)
        work = Work()
        for plan in self._plans:
            for node in _nodes(plan):
                _add(work, node)
        return work

    def _hear(self, message: Diagnostic) -> None:
        _, _, plan = (message.message_primary or "").partition(PLAN)
        if plan:
            self._plans.append(json.loads(plan)["Plan"])


@asynccontextmanager
async def explained(url: str, plan_cache_mode: LiteralString) -> AsyncIterator[Explained]:
    """`plan_cache_mode`: pooled connections come to generic plans; new ones have custom plans."""
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        for statement in LOUD:
            await connection.execute(statement)
        await connection.execute(
            "SELECT set_config('plan_cache_mode', %s, false)", [plan_cache_mode]
        )
        await connection.execute("SET ROLE topup_app")
        yield Explained(connection)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def _add(work: Work, node: dict[str, Any]) -> None:
    if "Index Name" in node:
        work.indexes.add(node["Index Name"])
    if node["Node Type"] == "Seq Scan":
        work.read_whole.add(node["Relation Name"])
    if node["Node Type"].endswith("Scan") and {"Relation Name", "Index Name"} & node.keys():
        of_each = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
        work.rows += round(of_each * node["Actual Loops"])
