"""Workers that open, close and expire streams of the same users, and their logouts, never deadlock.

Through bare connections: the pool would try again, and hide it, a second later.
"""

import asyncio
import random

from tests.payments import Process, connected, query
from tests.sql.streams import Payer, alive, come, log_in, worker

WORKERS = range(1, 5)
ROUNDS = 60
BATCH = 8
PER_USER_MAX = 6


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
