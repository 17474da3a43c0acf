"""Eight workers do everything at once, on the same users and top-ups: nobody is given up on, the
laws hold, and the books are what the workers were told. `--operations N` for each of them;
`--log-cli-level info` shows the figures, `--timeout 0` gives a long run its time.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.laws.mixed import REFUSALS, SETTINGS, Tally, Teller
from tests.payments import Process, connected, drift, query
from tests.sql.streams import come

log = logging.getLogger(__name__)

WORKERS = 8
USERS = 4
WRITERS_BESIDE_DRIFT = 4
DRIFTS_MIN = 2
OPERATIONS_MIN = 100
DRIFT = "SELECT * FROM audit.drift()"
GAPS = """
    SELECT tx_ref FROM topup.events WHERE tx_ref IS NOT NULL
    GROUP BY tx_ref HAVING (min(seq), max(seq)) <> (1, count(*))
"""
UNBALANCED = "SELECT event_id FROM topup.ledger_entries GROUP BY event_id HAVING sum(amount) <> 0"
BALANCES = "SELECT user_id, balance FROM topup.wallets"
EQUATION = "SELECT received, in_suspense, difference FROM audit.money_equation"


class Bank:
    """The tellers of one database, and what they were told."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.tellers: list[Teller] = []


@pytest.fixture
async def bank(process: Process, database_url: str) -> AsyncIterator[Bank]:
    bank = Bank()
    payers = [await come(database_url, process) for _ in range(USERS)]
    for payer in payers:
        bank.tally.take(payer.topup.tx_ref, payer.user_id, payer.topup.order_code)
    async with AsyncExitStack() as connections:
        for seed in range(WORKERS):
            connection = await connections.enter_async_context(connected(database_url, "topup_app"))
            await connection.execute(SETTINGS)
            bank.tellers.append(Teller(connection, bank.tally, payers, seed))
        yield bank


async def test_nobody_is_given_up_on_and_the_books_are_what_the_workers_were_told(
    bank: Bank, database_url: str, pytestconfig: pytest.Config
) -> None:
    tally, operations = bank.tally, pytestconfig.getoption("--operations")

    async def work(teller: Teller) -> None:
        for _ in range(operations):
            await teller.work()

    started = time.monotonic()
    async with asyncio.TaskGroup() as workers:
        for teller in bank.tellers:
            workers.create_task(work(teller))
    seconds = time.monotonic() - started
    log.info("%d operations, %.0f/s", WORKERS * operations, WORKERS * operations / seconds)
    log.info("%s\n%s\n%s", tally.operations, tally.outcomes, tally.refusals)

    assert tally.refusals.keys() <= REFUSALS
    assert set(tally.credited.values()) == {0, 1}
    assert dict(await query(database_url, BALANCES)) == {
        user_id: tally.balances[user_id] for user_id in set(tally.owners.values())
    }
    received = tally.balances.total() + tally.in_suspense
    assert await query(database_url, EQUATION) == [(received, tally.in_suspense, 0)]
    assert await query(database_url, GAPS) == []
    assert await query(database_url, UNBALANCED) == []
    assert await drift(database_url) == []


async def test_while_everybody_writes_there_is_no_drift_at_any_moment(
    bank: Bank, database_url: str, pytestconfig: pytest.Config
) -> None:
    """For `--drift-seconds S`, as fast as it can be asked for, and while enough is written."""
    over = time.monotonic() + pytestconfig.getoption("--drift-seconds")
    asked: list[float] = []
    finished = asyncio.Event()

    async def write(teller: Teller) -> None:
        while not finished.is_set():
            await teller.work()

    def written() -> int:
        return bank.tally.operations.total()

    async with connected(database_url, "topup_app") as auditor, asyncio.TaskGroup() as writers:
        for teller in bank.tellers[:WRITERS_BESIDE_DRIFT]:
            writers.create_task(write(teller))
        while time.monotonic() < over or len(asked) < DRIFTS_MIN or written() < OPERATIONS_MIN:
            started = time.monotonic()
            assert await (await auditor.execute(DRIFT)).fetchall() == []
            asked.append(time.monotonic() - started)
        finished.set()
    [(events,)] = await query(database_url, "SELECT count(*) FROM topup.events")
    log.info("%d times, %d events, slowest %.2f s", len(asked), events, max(asked))
    assert events > OPERATIONS_MIN / 2
