"""tx_refs_to_lock: what may be one transfer is judged one after the other."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from app.model import Fact, Topup
from tests.payments import (
    A_MOMENT,
    FOREIGN_LINK,
    UNKNOWN_ORDER,
    Element,
    Process,
    append_raw,
    connected,
    element,
    linked,
    query,
    transfer,
)

AMOUNT = 50_000
WAITS = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
MALFORMED: Element = ("nonsense", "payment.received", None, "{}", A_MOMENT.isoformat(), None)
BALANCE = "SELECT balance FROM topup.wallets WHERE user_id = %s"


def without_reference(topup: Topup) -> Fact:
    """By a webhook."""
    return transfer(topup.order_code, AMOUNT, "N", unmatchable="reference.missing")


def told(topup: Topup) -> Fact:
    """By a webhook."""
    return transfer(topup.order_code, AMOUNT, "W")


def asked(topup: Topup) -> Fact:
    """By GET."""
    return transfer(topup.order_code, AMOUNT, "G", source="payos.get", listed=["G"])


def foreign(fact: Fact, **data: object) -> Fact:
    """The same through the link of another installation."""
    return replace(fact, data=fact.data | {"payment_link_id": FOREIGN_LINK} | data)


async def at_once(url: str, first: Fact, second: Fact) -> list[str]:
    """The outcomes when the second comes before the commit of the first."""
    async with connected(url, "topup_app") as one, connected(url, "topup_app") as other:
        async with one.transaction():
            [(outcome, *_)] = await append_raw(one, [element(first)])
            appending = asyncio.create_task(append_raw(other, [element(second)]))
            while not appending.done():
                if await query(url, WAITS, other.info.backend_pid) == [(True,)]:
                    break
        [(next_outcome, *_)] = await appending
    return [outcome, next_outcome]


@pytest.mark.parametrize("make", [told, asked])
@pytest.mark.parametrize("nameless_first", [False, True])
async def test_a_webhook_without_reference_and_the_full_transfer_at_once_are_not_both_money(
    process: Process, database_url: str, nameless_first: bool, make: Callable[[Topup], Fact]
) -> None:
    topup = await process.topup(AMOUNT)
    facts = without_reference(topup), make(topup)
    first, second = facts if nameless_first else facts[::-1]
    outcomes = await at_once(database_url, first, second)
    assert outcomes == ["suspense" if nameless_first else "applied", "conflict"]
    balance = 0 if nameless_first else AMOUNT
    assert await query(database_url, BALANCE, topup.user_id) == [(balance,)]


@pytest.mark.parametrize("nameless_first", [False, True])
async def test_what_names_the_same_topup_in_its_text_at_once_is_not_both_money(
    process: Process, database_url: str, nameless_first: bool
) -> None:
    topup = await process.topup(AMOUNT)
    full = transfer(UNKNOWN_ORDER, AMOUNT, "W", description_tx_refs=[topup.tx_ref])
    blank = replace(full, event_id=uuid4(), data=full.data | {"unmatchable": "reference.missing"})
    first, second = (blank, full) if nameless_first else (full, blank)
    outcomes = await at_once(database_url, first, second)
    assert outcomes == ["suspense" if nameless_first else "applied", "conflict"]


@pytest.mark.parametrize("webhook_first", [False, True])
async def test_a_stranger_that_webhook_and_answer_tell_at_once_is_in_suspense_once(
    process: Process, database_url: str, webhook_first: bool
) -> None:
    topup = await process.topup(AMOUNT)
    await process.store.append_events([linked(topup.tx_ref)])
    facts = foreign(told(topup)), foreign(asked(topup), unmatchable="payment_link_id.foreign")
    first, second = facts if webhook_first else facts[::-1]
    assert await at_once(database_url, first, second) == ["suspense", "conflict"]


@pytest.mark.parametrize("make", [told, asked])
async def test_who_pays_in_the_usual_way_does_not_wait_for_a_stranger(
    process: Process, database_url: str, make: Callable[[Topup], Fact]
) -> None:
    topup, neighbour = await process.topup(AMOUNT), await process.topup(AMOUNT)
    async with (
        connected(database_url) as first,
        connected(database_url) as second,
        first.transaction(),
    ):
        await append_raw(first, [element(without_reference(neighbour))])
        [(outcome, *_)] = await append_raw(second, [element(make(topup))])
    assert outcome == "applied"


@pytest.mark.parametrize("beside", [[], [MALFORMED]], ids=["in set form", "singly"])
async def test_a_stranger_locks_the_topup_of_its_order_before_suspense(
    process: Process, database_url: str, beside: list[Element]
) -> None:
    """One holds the top-up and goes on to suspense; the other waits without suspense."""
    topup = await process.topup(AMOUNT)
    stray = transfer(UNKNOWN_ORDER, AMOUNT)
    async with connected(database_url, "topup_app") as one, connected(database_url) as other:
        async with one.transaction():
            await append_raw(one, [element(told(topup))])
            batch = [element(without_reference(topup)), *beside]
            appending = asyncio.create_task(append_raw(other, batch))
            while await query(database_url, WAITS, other.info.backend_pid) == [(False,)]:
                assert not appending.done()
            [(outcome, *_)] = await append_raw(one, [element(stray)])
        [(next_outcome, *_), *_] = await appending
    assert (outcome, next_outcome) == ("suspense", "conflict")


async def test_webhooks_of_different_topups_do_not_wait_for_each_other(
    process: Process, database_url: str
) -> None:
    one, other = [transfer((await process.topup()).order_code, AMOUNT) for _ in range(2)]
    async with (
        connected(database_url) as first,
        connected(database_url) as second,
        first.transaction(),
    ):
        await append_raw(first, [element(one)])
        [(outcome, *_)] = await append_raw(second, [element(other)])
    assert outcome == "applied"
