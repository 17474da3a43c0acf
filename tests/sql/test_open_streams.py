"""open_streams: who may stream is decided in one statement, and holds over all processes."""

import asyncio
import random

import psycopg
import pytest

from tests.payments import Process, connected, query, transfer
from tests.sql.streams import (
    Asked,
    Payer,
    alive,
    come,
    grow_older,
    leases,
    log_in,
    worker,
)

SAME_LOCK_AGAIN = 2**31  # user ids so far apart that they share a lock with those from 1 on
ROUNDS = 30
LEASE = """
    SELECT user_id, session_hash, tx_ref, clock_timestamp() - opened_at < interval '10 seconds'
    FROM topup.stream_leases
"""
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


async def test_each_of_a_batch_gets_its_own_verdict_and_only_the_open_ones_a_lease(
    process: Process, database_url: str
) -> None:
    anna, ben = await come(database_url, process), await come(database_url, process)
    await process.store.append_events([transfer(ben.topup.order_code, 50_000)])
    async with worker(database_url) as one:
        assert await one.open(
            anna.asks(1),
            ben.asks(2, after=2),
            Asked(3, bytes(32), anna.topup.tx_ref),
            Asked(4, ben.session_hash, anna.topup.tx_ref),
            ben.asks(5),
        ) == {1: "open", 2: "finished", 3: "not_logged_in", 4: "not_found", 5: "open"}
    assert await leases(database_url) == {(1, 1): None, (1, 5): None}


async def test_a_lease_says_whose_it_is(process: Process, database_url: str) -> None:
    anna = await come(database_url, process)
    async with worker(database_url) as one:
        await one.open(anna.asks(1))
    assert await query(database_url, LEASE) == [
        (anna.user_id, anna.session_hash, anna.topup.tx_ref, True)
    ]


async def test_the_same_call_again_changes_nothing(process: Process, database_url: str) -> None:
    """The answer of the first may have been lost."""
    anna = await come(database_url, process)
    asked = [anna.asks(1), anna.asks(2), anna.asks(3)]
    everything = "SELECT * FROM topup.stream_leases ORDER BY stream_id"
    async with worker(database_url) as one:
        first = await one.open(*asked, per_user_max=2)
        before = await query(database_url, everything)
        assert await one.open(*asked, per_user_max=2) == first
    assert first == {1: "open", 2: "open", 3: "too_many"}
    assert await query(database_url, everything) == before


async def test_a_new_stream_makes_an_old_one_of_another_worker_end(
    process: Process, database_url: str
) -> None:
    anna = await come(database_url, process)
    async with (
        alive(database_url, 1),
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
    ):
        await one.open(anna.asks(1), anna.asks(2))
        await grow_older(database_url, 10, 1)
        assert await two.open(anna.asks(3), per_user_max=2) == {3: "open"}
    assert await leases(database_url) == {(1, 1): "superseded", (1, 2): None, (2, 3): None}


async def test_while_all_are_young_the_new_ones_are_too_many(
    process: Process, database_url: str
) -> None:
    """Each worker has its own numbers: both have a stream 3."""
    anna, ben = await come(database_url, process), await come(database_url, process)
    async with (
        alive(database_url, 1),
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
    ):
        await one.open(anna.asks(3))
        assert await two.open(anna.asks(2), anna.asks(3), ben.asks(4), per_user_max=2) == {
            2: "open",
            3: "too_many",
            4: "open",
        }
    assert await leases(database_url) == {(1, 3): None, (2, 2): None, (2, 4): None}


async def test_who_opens_for_the_same_user_waits_for_the_first(
    process: Process, database_url: str
) -> None:
    """In steps: one has opened and not committed, the other waits, the first commits."""
    anna = await come(database_url, process)
    async with (
        alive(database_url, 1),
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
    ):
        async with one.connection.transaction():
            assert await one.open(anna.asks(1), per_user_max=1) == {1: "open"}
            second = asyncio.create_task(two.open(anna.asks(2), per_user_max=1))
            while await query(database_url, WAITING) == [(0,)]:
                assert not second.done()
        assert await second == {2: "too_many"}


async def test_who_opens_for_another_user_does_not_wait(
    process: Process, database_url: str
) -> None:
    anna, ben = await come(database_url, process), await come(database_url, process)
    async with (
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
        one.connection.transaction(),
    ):
        await one.open(anna.asks(1))
        assert await two.open(ben.asks(2)) == {2: "open"}


async def test_batches_with_the_same_users_in_any_order_do_not_deadlock(
    process: Process, database_url: str
) -> None:
    """Each user under two logins, so that the order of logins is not that of users."""
    payers = [await come(database_url, process) for _ in range(4)]
    await query(
        database_url,
        "SELECT setval(pg_get_serial_sequence('topup.users', 'user_id'), %s, false)",
        SAME_LOCK_AGAIN,
    )
    payers += [await come(database_url, process) for _ in range(4)]
    payers += [
        Payer(payer.user_id, await log_in(database_url, payer.user_id), payer.topup)
        for payer in payers
    ]

    async def open_and_close(worker_id: int) -> None:
        dice = random.Random(worker_id)
        async with alive(database_url, worker_id), worker(database_url, worker_id) as one:
            for batch in range(ROUNDS):
                chosen = dice.sample(payers, 6)
                asked = [payer.asks(batch * 10 + n) for n, payer in enumerate(chosen)]
                await one.open(*asked, per_user_max=2, spare_seconds=0)
                await one.take_ended()

    async with asyncio.TaskGroup() as workers:
        for worker_id in range(1, 7):
            workers.create_task(open_and_close(worker_id))
    assert await query(
        database_url,
        "SELECT max(n) FROM (SELECT count(*) AS n FROM topup.stream_leases"
        " WHERE ended IS NULL GROUP BY user_id) AS l",
    ) == [(2,)]


async def test_nothing_asked_is_nothing_answered(database_url: str) -> None:
    async with worker(database_url) as one:
        assert await one.open() == {}


async def test_a_stream_without_a_login_or_a_top_up_gets_no_lease(
    process: Process, database_url: str
) -> None:
    anna = await come(database_url, process)
    async with worker(database_url) as one:
        assert await one.open(
            Asked(1, None, anna.topup.tx_ref), Asked(2, anna.session_hash, None)
        ) == {1: "not_logged_in", 2: "not_found"}
    assert await leases(database_url) == {}


async def test_a_stream_without_a_number_is_refused_with_its_whole_batch(
    process: Process, database_url: str
) -> None:
    """So arrays of unequal length lease nothing either: the shorter ones end in nulls."""
    anna = await come(database_url, process)
    async with connected(database_url, "topup_app") as connection:
        with pytest.raises(psycopg.errors.NotNullViolation):
            await connection.execute(
                "SELECT topup.open_streams(1, ARRAY[1], %s, %s, NULL, 1800, 900, 10, 5)",
                ([anna.session_hash] * 2, [anna.topup.tx_ref] * 2),
            )
    assert await leases(database_url) == {}
