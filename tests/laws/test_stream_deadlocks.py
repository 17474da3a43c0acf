"""Workers that open, close and expire streams of the same users, and their logouts, never deadlock.

Through bare connections: the pool would try again, and hide it, a second later.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from psycopg import AsyncConnection

from tests.payments import Process, connected, query
from tests.sql.streams import Payer, Worker, alive, come, leases, log_in, worker

WORKERS = range(1, 5)
ROUNDS = 60
BATCH = 8
PER_USER_MAX = 6
HOLD = "SELECT FROM topup.stream_leases WHERE (worker_id, stream_id) = (%s, %s) FOR UPDATE NOWAIT"
WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"


async def work(url: str, worker_id: int, payers: list[Payer]) -> None:
    """What one process does, a statement at a time, at random."""
    dice = random.Random(worker_id)
    held: list[tuple[Payer, int]] = []
    async with alive(url, worker_id), worker(url, worker_id) as one:
        for number in range(ROUNDS):
            chosen = [
                (payer, number * BATCH + n) for n, payer in enumerate(dice.choices(payers, k=BATCH))
            ]
            asked = [payer.asks(stream_id) for payer, stream_id in chosen]
            await one.open(*asked, per_user_max=PER_USER_MAX, spare_seconds=0)
            held += chosen
            match dice.randrange(4):
                case 0:
                    dice.shuffle(held)
                    await one.close(*(stream_id for _, stream_id in held[BATCH:]))
                    held = held[:BATCH]
                case 1:
                    await one.expire(dice.choice([0, 1800]))
                case 2:
                    await one.reconcile(*held)
                case 3:
                    ended = await one.take_ended()
                    held = [(payer, number) for payer, number in held if number not in ended]


async def log_out_and_in(url: str, payers: list[Payer]) -> None:
    dice = random.Random(0)
    async with connected(url, "topup_app") as application, connected(url) as owner:
        for _ in range(ROUNDS * 4):
            session_hash = dice.choice(payers).session_hash
            await application.execute("SELECT topup.revoke_session(%s)", (session_hash,))
            await owner.execute("UPDATE topup.sessions SET revoked_at = NULL")


async def test_streams_that_end_from_every_side_do_not_deadlock(
    process: Process, database_url: str
) -> None:
    payers = [await come(database_url, process) for _ in range(3)]
    payers += [
        Payer(payer.user_id, await log_in(database_url, payer.user_id), payer.topup)
        for payer in payers
    ]
    async with asyncio.TaskGroup() as tasks:
        for worker_id in WORKERS:
            tasks.create_task(work(database_url, worker_id, payers))
        tasks.create_task(log_out_and_in(database_url, payers))
    assert await query(database_url, "SELECT count(*) > 0 FROM topup.stream_leases") == [(True,)]


async def close(one: Worker, anna: Payer) -> None:
    await one.close(1, 2)


async def expire(one: Worker, anna: Payer) -> None:
    await one.expire(idle_seconds=0)


async def reconcile(one: Worker, anna: Payer) -> None:
    await one.reconcile()


async def revoke(one: Worker, anna: Payer) -> None:
    await one.connection.execute("SELECT topup.revoke_session(%s)", (anna.session_hash,))


@pytest.mark.parametrize("end", [close, expire, reconcile, revoke])
async def test_whoever_ends_streams_takes_their_leases_in_order(
    process: Process, database_url: str, end: Callable[[Worker, Payer], Coroutine[Any, Any, None]]
) -> None:
    """In steps: the first is held, so the second is still free while it is waited for."""
    anna = await come(database_url, process)
    async with worker(database_url) as one, connected(database_url) as holder:
        for stream_id in (2, 1):  # not in the order in which they lie
            await one.open(anna.asks(stream_id))
        async with holder.transaction():
            await hold(holder, 1, 1)
            ending = asyncio.create_task(end(one, anna))
            while await query(database_url, WAITING) == [(0,)]:
                assert not ending.done()
            await hold(holder, 1, 2)
        await ending
    assert None not in (await leases(database_url)).values()


async def test_whoever_limits_a_user_waits_for_no_lease_and_takes_it_for_ended(
    process: Process, database_url: str
) -> None:
    anna = await come(database_url, process)
    async with (
        alive(database_url, 1),
        worker(database_url, 1) as one,
        worker(database_url, 2) as two,
        worker(database_url, 3) as dead,
        connected(database_url) as holder,
    ):
        await one.open(anna.asks(1), anna.asks(2))
        await dead.open(anna.asks(3))
        async with holder.transaction():
            await hold(holder, 1, 1)
            await hold(holder, 3, 3)
            assert await two.open(anna.asks(4), per_user_max=2) == {4: "open"}
    assert await leases(database_url) == dict.fromkeys([(1, 1), (1, 2), (2, 4), (3, 3)])


async def test_a_stream_that_is_being_closed_does_not_hold_up_its_own_opening(
    process: Process, database_url: str
) -> None:
    """It is opened once more, because the first answer was lost, when there are too many."""
    anna = await come(database_url, process)
    async with worker(database_url) as one, connected(database_url) as holder:
        await one.open(*map(anna.asks, range(1, 5)))
        async with holder.transaction():
            await hold(holder, 1, 4)
            await one.connection.execute("SET lock_timeout = '1s'")
            assert await one.open(anna.asks(4), per_user_max=1) == {4: "open"}
    assert (1, 4) in await leases(database_url)


async def test_whoever_forgets_what_dead_workers_left_waits_for_no_lease(
    process: Process, database_url: str
) -> None:
    anna = await come(database_url, process)
    async with (
        worker(database_url, 1) as one,
        worker(database_url, 2) as dead,
        connected(database_url) as holder,
    ):
        await dead.open(anna.asks(1), anna.asks(2))
        async with holder.transaction():
            await hold(holder, 2, 1)
            await one.expire()
    assert await leases(database_url) == {(2, 1): None}


async def hold(holder: AsyncConnection, worker_id: int, stream_id: int) -> None:
    """At once, or LockNotAvailable."""
    await holder.execute(HOLD, (worker_id, stream_id))
