"""lock_facts: what may be one transfer is judged one after the other."""

import asyncio

import pytest

from app.model import Fact, Topup
from tests.payments import Process, append_raw, connected, element, query, transfer

AMOUNT = 50_000
WAITS = "SELECT cardinality(pg_blocking_pids(%s)) > 0"
BALANCE = "SELECT balance FROM topup.wallets WHERE user_id = %s"


def told_without_reference(topup: Topup) -> Fact:
    """By a webhook."""
    return transfer(topup.order_code, AMOUNT, "W", unmatchable="reference.missing")


def asked(topup: Topup) -> Fact:
    """By GET."""
    return transfer(topup.order_code, AMOUNT, "G", source="payos.get", listed=["G"])


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


@pytest.mark.parametrize("webhook_first", [False, True])
async def test_a_webhook_without_reference_and_an_answer_at_once_are_not_both_money(
    process: Process, database_url: str, webhook_first: bool
) -> None:
    topup = await process.topup(AMOUNT)
    facts = told_without_reference(topup), asked(topup)
    first, second = facts if webhook_first else facts[::-1]
    outcomes = await at_once(database_url, first, second)
    assert outcomes == ["suspense" if webhook_first else "applied", "conflict"]
    balance = 0 if webhook_first else AMOUNT
    assert await query(database_url, BALANCE, topup.user_id) == [(balance,)]


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
