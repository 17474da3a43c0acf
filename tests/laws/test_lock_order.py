"""What is not a row to lock has its place in the order too: docs/locking.md, step by step.

A third connection holds what lies in the middle, so that the first of two has begun to insert and
cannot go on; the second comes from the other end. Each of them is blocked before the next step.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from psycopg import AsyncConnection

from app.model import Fact, Topup
from tests.payments import (
    A_MOMENT,
    Element,
    Process,
    append_raw,
    connected,
    element,
    query,
    transfer,
)

BODIES = sorted((b"a", b"b", b"c"), key=lambda body: hashlib.sha256(body).digest())
KEEP = "INSERT INTO topup.payos_bodies (body_sha256, raw) VALUES (sha256(%s), %s)"
RENUMBER = "SELECT topup.renumber_topup(%s, %s)"
BLOCKED_BY = "SELECT %s = ANY (pg_blocking_pids(%s))"
Answers = list[tuple[Any, ...]]


class Writer:
    """A session that appends a batch, bare: the pool would try again."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self._appending: asyncio.Task[Answers] | None = None

    def begin(self, batch: Sequence[Element]) -> None:
        self._appending = asyncio.create_task(append_raw(self.connection, batch))

    async def waits_for(self, other: AsyncConnection) -> None:
        """Returns once it does."""
        assert self._appending is not None
        pids = (other.info.backend_pid, self.connection.info.backend_pid)
        async with await AsyncConnection.connect(self.connection.info.dsn) as watcher:
            while await (await watcher.execute(BLOCKED_BY, pids)).fetchone() == (False,):
                assert not self._appending.done()

    async def outcomes(self) -> list[str]:
        assert self._appending is not None
        return [outcome for outcome, *_ in await self._appending]


@asynccontextmanager
async def writer(url: str) -> AsyncIterator[Writer]:
    async with connected(url, "topup_app") as connection:
        yield Writer(connection)


def with_bodies(facts: Sequence[Fact], bodies: Sequence[bytes]) -> list[Element]:
    return [element(replace(fact, body=body)) for fact, body in zip(facts, bodies, strict=True)]


def malformed(body: bytes) -> Element:
    return ("nonsense", "payment.received", None, "{}", A_MOMENT.isoformat(), body)


def payments(topup: Topup, number: int) -> list[Fact]:
    return [transfer(topup.order_code, 1_000) for _ in range(number)]


@pytest.mark.parametrize("unread_before", [False, True])
async def test_bodies_of_different_topups_are_kept_in_one_order(
    process: Process, database_url: str, unread_before: bool
) -> None:
    low, middle, high = BODIES
    if unread_before:
        for body in (low, high):
            await process.store.keep_body(body, "not understood")
    anna, binh = [await process.topup(10**9) for _ in range(2)]
    async with (
        connected(database_url) as holder,
        writer(database_url) as one,
        writer(database_url) as two,
    ):
        async with holder.transaction(force_rollback=True):
            await holder.execute(KEEP, (middle, middle))
            one.begin(with_bodies(payments(anna, 3), (low, middle, high)))
            await one.waits_for(holder)
            two.begin(with_bodies(payments(binh, 2), (high, low)))
            await two.waits_for(one.connection)
        assert await one.outcomes() == ["applied"] * 3
        assert await two.outcomes() == ["applied"] * 2


async def test_bodies_that_no_event_comes_of_are_kept_in_one_order(database_url: str) -> None:
    low, middle, high = BODIES
    async with (
        connected(database_url) as holder,
        writer(database_url) as one,
        writer(database_url) as two,
    ):
        async with holder.transaction(force_rollback=True):
            await holder.execute(KEEP, (middle, middle))
            one.begin([malformed(body) for body in (low, middle, high)])
            await one.waits_for(holder)
            two.begin([malformed(body) for body in (high, low)])
            await two.waits_for(one.connection)
        assert await one.outcomes() == ["rejected"] * 3
        assert await two.outcomes() == ["rejected"] * 2


@pytest.mark.parametrize("beside", [[], [malformed(b"beside")]], ids=["in set form", "singly"])
async def test_money_that_its_topup_disowns_is_recorded_under_the_lock_of_suspense(
    process: Process, database_url: str, beside: list[Element]
) -> None:
    """Its batch was matched before the top-up gave its code up, the other one after that."""
    anna, binh = [await process.topup() for _ in range(2)]
    [first] = payments(anna, 1)
    [middle], [last] = payments(binh, 1), payments(binh, 1)
    other = transfer((await process.topup()).order_code, 1_000)
    held = replace(other, event_id=middle.event_id)
    async with (
        connected(database_url, "topup_app") as renumbering,
        connected(database_url, "topup_app") as holder,
        writer(database_url) as one,
        writer(database_url) as two,
    ):
        async with holder.transaction(force_rollback=True):
            await append_raw(holder, [element(held)])
            async with renumbering.transaction():
                for topup in sorted((anna, binh), key=lambda topup: topup.tx_ref):
                    await renumbering.execute(RENUMBER, (topup.tx_ref, topup.order_code))
                one.begin([*map(element, (first, middle, last)), *beside])
                await one.waits_for(renumbering)
            await one.waits_for(holder)
            two.begin([*map(element, (last, first)), *beside])
            await two.waits_for(one.connection)
        assert (await one.outcomes())[:3] == ["suspense"] * 3
        assert (await two.outcomes())[:2] == ["duplicate"] * 2
    assert await query(database_url, "SELECT balance FROM topup.wallets WHERE balance > 0") == []
