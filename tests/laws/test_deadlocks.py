"""Batches that share users and top-ups, in every order, never deadlock.

Through bare connections: the pool would try again, and hide it.
"""

import asyncio
import random
from dataclasses import replace
from uuid import uuid4

import pytest

from app.model import EventType, Fact, Topup
from tests.payments import (
    A_MOMENT,
    UNKNOWN_ORDER,
    Element,
    Process,
    about,
    append_raw,
    connected,
    element,
    transfer,
)

CONNECTIONS = 6
BATCHES = 40
BATCH = 8
MALFORMED: Element = ("nonsense", "payment.received", None, "{}", A_MOMENT.isoformat(), None)


def with_body(fact: Fact) -> Fact:
    return replace(fact, body=str(fact.data).encode())


def draw_batch(
    dice: random.Random, topups: list[Topup], strays: list[Fact], size: int
) -> list[Element]:
    """Own and foreign money, repeats, closings; now and then a fact that makes the batch raise."""
    facts = [
        dice.choice(
            [
                transfer(dice.choice(topups).order_code, 1_000),
                transfer(dice.choice(topups).order_code, 1_000, f"repeated {dice.randrange(20)}"),
                about(dice.choice(topups).tx_ref, EventType.TOPUP_CANCELLED),
                dice.choice(strays),
            ]
        )
        for _ in range(size)
    ]
    batch = [element(with_body(fact)) for fact in facts]
    if dice.random() < 0.3:
        batch[dice.randrange(size)] = MALFORMED
    return batch


@pytest.mark.parametrize(("topups_of_a_user", "size"), [(3, 8), (20, 3)])
async def test_random_batches_do_not_deadlock(
    process: Process, database_url: str, topups_of_a_user: int, size: int
) -> None:
    """With few top-ups they collide on those, with many on the wallets alone."""
    users = [await process.user() for _ in range(3)]
    topups = [await process.topup(10**9, user) for user in users for _ in range(topups_of_a_user)]

    async def write(seed: int) -> None:
        dice = random.Random(seed)
        async with connected(database_url, "topup_app") as connection:
            for _ in range(BATCHES):
                batch = draw_batch(dice, topups, strays, size)
                answers = await append_raw(connection, batch)
                refusals = {sqlstate for _, _, _, sqlstate in answers}
                assert refusals <= {None, "22P02"}

    strays = [transfer(UNKNOWN_ORDER, 1_000) for _ in range(400)]
    async with asyncio.TaskGroup() as writers:
        for seed in range(CONNECTIONS):
            writers.create_task(write(seed))


async def test_strangers_in_opposite_order_do_not_deadlock(database_url: str) -> None:
    """Money without a top-up has no row to lock; only its event id and its body can collide."""
    for attempt in range(30):
        facts = [
            Fact(uuid4(), EventType.PAYMENT_RECEIVED, {"amount": attempt + 1, "n": n}, A_MOMENT)
            for n in range(BATCH)
        ]
        batch = [element(with_body(fact)) for fact in facts]
        broken = [*batch[::2], MALFORMED, *batch[1::2]]

        async def write(order: list[Element]) -> None:
            async with connected(database_url, "topup_app") as connection:
                await append_raw(connection, order)

        async with asyncio.TaskGroup() as writers:
            for order in (batch, batch[::-1], broken, broken[::-1]):
                writers.create_task(write(order))


async def test_openings_and_assignments_beside_payments_do_not_deadlock(
    process: Process, database_url: str
) -> None:
    users = [await process.user() for _ in range(2)]
    topups = [await process.topup(10**9, user) for user in users for _ in range(2)]
    strays = [transfer(UNKNOWN_ORDER, 1_000) for _ in range(64)]
    await process.store.append_events(strays)

    async def assign(seed: int) -> None:
        dice = random.Random(seed)
        async with connected(database_url, "topup_app") as connection:
            for stray in strays[seed::3]:
                await connection.execute(
                    "SELECT topup.assign_suspense(%s, %s, 'test', 'Lan')",
                    (stray.event_id, dice.choice(topups).tx_ref),
                )
                await process.topup(1_000, dice.choice(users))

    async def pay(seed: int) -> None:
        dice = random.Random(seed)
        async with connected(database_url, "topup_app") as connection:
            for _ in range(BATCHES):
                await append_raw(connection, draw_batch(dice, topups, strays, BATCH))

    async with asyncio.TaskGroup() as writers:
        for seed in range(3):
            writers.create_task(assign(seed))
            writers.create_task(pay(seed))
