"""A session is as napvi needs it, whatever the defaults of the database are."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection, sql
from psycopg.conninfo import conninfo_to_dict

from app.database.review import Review
from app.model import Outcome
from tests.payments import UNKNOWN_ORDER, Process, connected, open_process, query, transfer
from tests.pooler import transaction_pooler

DEFAULTS = {
    "default_transaction_isolation": "repeatable read",
    "synchronous_commit": "off",
    "datestyle": "SQL, DMY",
    "intervalstyle": "iso_8601",
    "array_nulls": "off",
}
NEEDED = {
    "transaction_isolation": "read committed",
    "synchronous_commit": "on",
    "datestyle": "ISO, DMY",
    "intervalstyle": "postgres",
    "array_nulls": "on",
}


def set_default(url: str, name: str, value: str) -> None:
    database = str(conninfo_to_dict(url)["dbname"])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} TO {}").format(
                sql.Identifier(database), sql.Identifier(name), sql.Literal(value)
            )
        )


@pytest.fixture
def strange_url(database_url: str) -> Iterator[str]:
    """A database with other defaults than PostgreSQL; they are gone when the laws are checked."""
    for name, value in DEFAULTS.items():
        set_default(database_url, name, value)
    yield database_url
    with psycopg.connect(database_url, autocommit=True) as connection:
        database = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} RESET ALL").format(database))


async def settings_of(process: Process) -> dict[str, str]:
    async def work(connection: AsyncConnection) -> Any:
        found = {}
        for name in NEEDED:
            cursor = await connection.execute("SELECT current_setting(%s)", (name,))
            [found[name]] = await cursor.fetchone() or [None]
        return found

    return await process.database.run(work)


async def pay_and_review(process: Process) -> None:
    topup = await process.topup()
    strange = transfer(UNKNOWN_ORDER, 500)
    answers = await process.store.append_events([transfer(topup.order_code, 50_000), strange])
    assert [answer.outcome for answer in answers] == [Outcome.APPLIED, Outcome.SUSPENSE]
    [waiting] = await Review(process.database).suspense(10)
    assert waiting.event_id == strange.event_id


async def test_money_moves_whatever_the_defaults_of_the_database_are(strange_url: str) -> None:
    async with open_process(strange_url) as process:
        assert await settings_of(process) == NEEDED
        await pay_and_review(process)


async def test_it_does_behind_a_transaction_pooler(strange_url: str, short_dir: Path) -> None:
    with transaction_pooler(strange_url, short_dir) as url:
        async with open_process(url, listen_database_url=strange_url) as process:
            assert await settings_of(process) == NEEDED
            await pay_and_review(process)


async def test_a_database_that_is_stricter_stays_strict(database_url: str) -> None:
    set_default(database_url, "synchronous_commit", "remote_apply")
    async with open_process(database_url) as process:
        assert (await settings_of(process))["synchronous_commit"] == "remote_apply"


async def test_a_transfer_that_waited_sees_the_one_that_it_waited_for(strange_url: str) -> None:
    """One without a reference is recorded; then the same money is told with one."""
    async with open_process(strange_url) as process:
        topup = await process.topup()
        told: dict[str, Any] = {
            "transaction_at": "2026-01-02T03:04:05+00:00",
            "description_tx_refs": [],
        }
        nameless = transfer(topup.order_code, 50_000, "", unmatchable="reference.missing", **told)
        named = transfer(topup.order_code, 50_000, **told)
        async with connected(strange_url) as connection, connection.transaction():
            await connection.execute(
                "SELECT FROM topup.topups WHERE tx_ref = %s FOR UPDATE", (topup.tx_ref,)
            )
            first = asyncio.create_task(process.store.append_events([nameless]))
            await some_wait(strange_url, 1)
            second = asyncio.create_task(process.store.append_events([named]))
            await some_wait(strange_url, 2)
        [outcome], [other] = await first, await second
    assert {outcome.outcome, other.outcome} == {Outcome.SUSPENSE, Outcome.CONFLICT}
    assert await query(strange_url, "SELECT in_wallets, in_suspense FROM audit.money_equation") == [
        (0, 50_000)
    ]


async def some_wait(url: str, sessions: int) -> None:
    """Returns when so many wait for a lock."""
    waiting = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(5):
        while await query(url, waiting) != [(sessions,)]:
            pass
