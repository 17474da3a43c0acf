"""Law 4: seq is 1, 2, 3 … within a top-up, without gap, allocated under its row lock."""

import asyncio
import random

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from app.model import Topup
from tests.payments import Process, connected, open_process, query, transfer

WRITERS = 6
FACTS_OF_A_WRITER = 60
APPEND_ONE = """
    SELECT o.seq FROM topup.append_events(
        ARRAY[%s::text], ARRAY['payment.received'], ARRAY[NULL], ARRAY[%s::text],
        ARRAY['2026-01-01T00:00:00Z'], ARRAY[NULL]::bytea[]
    ) AS o
"""
IS_BLOCKED = "SELECT cardinality(pg_blocking_pids(%s)) > 0"


async def append_one(connection: AsyncConnection, topup: Topup) -> int:
    fact = transfer(topup.order_code, 1_000)
    cursor = await connection.execute(APPEND_ONE, (str(fact.event_id), Jsonb(fact.data)))
    [(seq,)] = await cursor.fetchall()
    return int(seq)


async def test_parallel_writers_leave_no_gap(process: Process, database_url: str) -> None:
    topups = [await process.topup(10**9) for _ in range(4)]

    async def write(seed: int) -> None:
        dice = random.Random(seed)
        async with open_process(database_url, 1, 1) as writer:
            for _ in range(FACTS_OF_A_WRITER // 3):
                await writer.store.append_events(
                    [transfer(dice.choice(topups).order_code, 1_000) for _ in range(3)]
                )

    async with asyncio.TaskGroup() as writers:
        for seed in range(WRITERS):
            writers.create_task(write(seed))

    for topup in topups:
        rows = await query(
            database_url,
            "SELECT seq FROM topup.events WHERE tx_ref = %s ORDER BY id",
            topup.tx_ref,
        )
        assert [seq for (seq,) in rows] == list(range(1, len(rows) + 1))
    total = await query(database_url, "SELECT count(*) FROM topup.events")
    assert total == [(len(topups) + WRITERS * FACTS_OF_A_WRITER,)]


async def test_a_seq_is_taken_under_the_lock_and_given_back_by_a_rollback(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    async with connected(database_url) as first, connected(database_url) as second:
        async with first.transaction(force_rollback=True):
            assert await append_one(first, topup) == 2
            waiting = asyncio.create_task(append_one(second, topup))
            while await query(database_url, IS_BLOCKED, second.info.backend_pid) == [(False,)]:
                assert not waiting.done()
        assert await waiting == 2


async def test_another_topup_does_not_wait(process: Process, database_url: str) -> None:
    topup, other = await process.topup(), await process.topup()
    async with (
        connected(database_url) as first,
        connected(database_url) as second,
        first.transaction(),
    ):
        await append_one(first, topup)
        assert await asyncio.wait_for(append_one(second, other), 60) == 2


async def test_a_reader_misses_nothing_that_commits_after_a_later_identity(
    process: Process, database_url: str
) -> None:
    """A reader that resumes at the largest id it has seen would miss `slow` for good."""
    slow, fast = await process.topup(), await process.topup()
    cursors: dict[str, int | None] = {slow.tx_ref: 1, fast.tx_ref: 1}

    async def read() -> list[tuple[str, int]]:
        updates = await process.store.read_updates(cursors)  # type: ignore[arg-type]
        new = [(u.tx_ref, u.seq) for u in updates if u.seq > (cursors[u.tx_ref] or 0)]
        cursors.update(new)
        return [(str(tx_ref), seq) for tx_ref, seq in new]

    async with connected(database_url) as first, connected(database_url) as second:
        async with first.transaction():
            await append_one(first, slow)
            await append_one(second, fast)
            assert await read() == [(fast.tx_ref, 2)]
        assert await read() == [(slow.tx_ref, 2)]
    by_identity = await query(
        database_url, "SELECT tx_ref FROM topup.events WHERE seq = 2 ORDER BY id"
    )
    assert by_identity == [(slow.tx_ref,), (fast.tx_ref,)]
