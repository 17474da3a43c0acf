"""Users who open top-ups and pay them while something else is done to the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

from app.model import UserId, new_tx_ref
from tests.payments import append_raw, connected, element, open_process, transfer

PAYERS = 8
EACH = 5
WAIT_SECONDS = 60
OPEN = """
    SELECT tx_ref, order_code FROM topup.open_topup(%s, %s, %s, 1000, 900, 100000, NULL, NULL, 0)
"""
READ = "SELECT status FROM topup.topups WHERE tx_ref = %s"


@asynccontextmanager
async def payers(url: str) -> AsyncIterator[None]:
    """All are at it when the block begins, and still are when it has ended. None may fail."""
    paid: asyncio.Queue[UserId] = asyncio.Queue()
    end = asyncio.Event()
    async with open_process(url) as process:
        users = [await process.user() for _ in range(PAYERS)]
    async with asyncio.timeout(WAIT_SECONDS), asyncio.TaskGroup() as group:
        for user_id in users:
            group.create_task(_open_and_pay(url, user_id, paid, end))
        await _all_pay(paid)
        yield
        while not paid.empty():
            paid.get_nowait()
        await _all_pay(paid)
        end.set()


async def _all_pay(paid: asyncio.Queue[UserId]) -> None:
    for _ in range(EACH * PAYERS):
        await paid.get()


async def _open_and_pay(
    url: str, user_id: UserId, paid: asyncio.Queue[UserId], end: asyncio.Event
) -> None:
    """Again and again, on a bare connection: the pool would try again what failed, and hide it."""
    async with connected(url, "topup_app") as connection:
        await connection.execute("SET lock_timeout = '3s'")
        while not end.is_set():
            opened = await connection.execute(OPEN, (new_tx_ref(), uuid4(), user_id))
            tx_ref, order_code = await opened.fetchone() or ()
            payment = element(transfer(order_code, 1000, reference=tx_ref))
            assert await append_raw(connection, [payment]) == [("applied", tx_ref, 2, None)]
            read = await connection.execute(READ, (tx_ref,))
            assert await read.fetchone() == ("confirmed",)
            paid.put_nowait(user_id)
