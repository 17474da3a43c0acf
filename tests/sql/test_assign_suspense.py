"""assign_suspense: a person says whose the money is; said twice, it is credited once."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from app.model import EventType, Fact, Outcome, Topup
from tests.payments import (
    UNKNOWN_ORDER,
    Process,
    connected,
    failure,
    query,
    transfer,
)

ASSIGN = "SELECT outcome, tx_ref, seq FROM topup.assign_suspense(%s, %s, %s, %s)"
REASON = "the payer called"
NAME = "Lan"
CONFLICTS = "SELECT event_id FROM topup.events WHERE type = 'payment.conflict'"
HOLD = """
    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    SELECT
        gen_random_uuid(), t.tx_ref, t.seq + 1, 'payment.conflict',
        %s || jsonb_build_object('held_event_id', %s::text), clock_timestamp()
    FROM topup.topups AS t WHERE t.tx_ref = %s
    RETURNING event_id
"""
"""What the reconciler records of a transfer that may have been told under another reference."""


async def assign(
    url: str,
    fact: Fact | UUID,
    tx_ref: str | None,
    reason: str | None = REASON,
    name: str | None = NAME,
) -> tuple[Any, ...]:
    event_id = fact.event_id if isinstance(fact, Fact) else fact
    async with connected(url, "topup_app") as connection:
        [row] = await (
            await connection.execute(ASSIGN, (event_id, tx_ref, reason, name))
        ).fetchall()
        return row


async def refusal_of(url: str, *arguments: Any) -> str | None:
    with pytest.raises(psycopg.Error) as refusal:
        await assign(url, *arguments)
    return refusal.value.sqlstate


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup(50_000)


@pytest.fixture
async def stray(process: Process) -> Fact:
    fact = transfer(UNKNOWN_ORDER, 50_000)
    await process.store.append_events([fact])
    return fact


async def test_the_money_moves_from_suspense_to_the_wallet(
    process: Process, database_url: str, topup: Topup, stray: Fact
) -> None:
    assert await assign(database_url, stray, topup.tx_ref) == ("applied", topup.tx_ref, 2)
    update = await process.store.topup_update(topup.user_id, topup.tx_ref)
    assert (update.type, update.amount_paid, update.wallet_balance) == (
        EventType.SUSPENSE_ASSIGNED,
        50_000,
        50_000,
    )
    assert await query(
        database_url, "SELECT sum(amount) FROM topup.ledger_entries WHERE account = 'suspense'"
    ) == [(0,)]
    assert await query(
        database_url,
        """
        SELECT data ->> 'reason', data ->> 'assigned_by', data ->> 'suspense_event_id'
        FROM topup.events WHERE seq = 2
        """,
    ) == [(REASON, NAME, str(stray.event_id))]


async def test_said_again_it_is_a_duplicate(
    process: Process, database_url: str, topup: Topup, stray: Fact
) -> None:
    await assign(database_url, stray, topup.tx_ref)
    again = await assign(database_url, stray, topup.tx_ref, "another reason", "Minh")
    assert again == ("duplicate", topup.tx_ref, 2)
    assert (await process.store.wallet(topup.user_id)).balance == 50_000


async def test_said_by_many_at_once_it_is_credited_once(
    process: Process, database_url: str, topup: Topup, stray: Fact
) -> None:
    answers = await asyncio.gather(*(assign(database_url, stray, topup.tx_ref) for _ in range(8)))
    assert sorted(outcome for outcome, _, _ in answers) == ["applied"] + ["duplicate"] * 7
    assert (await process.store.wallet(topup.user_id)).balance == 50_000


async def test_two_who_disagree_credit_one(
    process: Process, database_url: str, topup: Topup, stray: Fact
) -> None:
    topups = [topup, *[await process.topup() for _ in range(5)]]
    answers = await asyncio.gather(
        *(assign(database_url, stray, each.tx_ref) for each in topups), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, psycopg.Error)]
    assert {refusal.sqlstate for refusal in refusals} == {"TU008"}
    assert len(refusals) == len(topups) - 1


async def test_what_is_not_in_suspense_is_refused(
    process: Process, database_url: str, topup: Topup, stray: Fact
) -> None:
    credited, failed = transfer(topup.order_code, 1_000), failure(UNKNOWN_ORDER, 1_000)
    told_otherwise = replace(failed, data={**failed.data, "amount": 7})
    await process.store.append_events([credited, failed, told_otherwise])
    [(failed_conflict,)] = await query(database_url, CONFLICTS)
    for event_id in (uuid4(), credited.event_id, failed.event_id, failed_conflict):
        assert await refusal_of(database_url, event_id, topup.tx_ref) == "TU007"


async def test_an_unknown_topup_is_refused(database_url: str, stray: Fact) -> None:
    assert await refusal_of(database_url, stray, "T0000000Z") == "TU002"


@pytest.mark.parametrize("reason", [None, "", "   "])
async def test_an_assignment_without_a_reason_is_refused(
    database_url: str, topup: Topup, stray: Fact, reason: str | None
) -> None:
    assert await refusal_of(database_url, stray, topup.tx_ref, reason) == "TU009"


@pytest.mark.parametrize("name", [None, "", "   "])
async def test_an_assignment_by_nobody_is_refused(
    database_url: str, topup: Topup, stray: Fact, name: str | None
) -> None:
    assert await refusal_of(database_url, stray, topup.tx_ref, REASON, name) == "TU017"


async def test_a_conflict_that_is_accepted_brings_its_own_money_once(
    process: Process, database_url: str, topup: Topup
) -> None:
    paid = transfer(topup.order_code, 50_000)
    told_otherwise = replace(paid, data={**paid.data, "amount": 7_000})
    await process.store.append_events([paid, told_otherwise])
    [(conflict,)] = await query(database_url, CONFLICTS)
    assert await assign(database_url, conflict, topup.tx_ref) == ("applied", topup.tx_ref, 4)
    assert await assign(database_url, conflict, topup.tx_ref) == ("duplicate", topup.tx_ref, 4)
    assert (await process.store.wallet(topup.user_id)).balance == 57_000
    assert await query(
        database_url,
        "SELECT account, amount FROM topup.ledger_entries ORDER BY id DESC OFFSET 1 LIMIT 1",
    ) == [("payos:clearing", -7_000)]
    assert await query(
        database_url, "SELECT received, in_wallets, in_suspense FROM audit.money_equation"
    ) == [(57_000, 57_000, 0)]


async def test_a_held_transfer_that_is_accepted_is_not_credited_again_when_it_comes(
    process: Process, database_url: str, topup: Topup
) -> None:
    held = transfer(topup.order_code, 50_000)
    conflict = await hold(database_url, held, topup)
    assert await assign(database_url, conflict, topup.tx_ref) == ("applied", topup.tx_ref, 3)
    [answer] = await process.store.append_events([held])
    assert (answer.outcome, answer.seq) == (Outcome.DUPLICATE, 3)
    assert (await process.store.wallet(topup.user_id)).balance == 50_000


async def test_a_held_transfer_that_has_come_meanwhile_cannot_be_accepted(
    process: Process, database_url: str, topup: Topup
) -> None:
    held = transfer(topup.order_code, 50_000)
    conflict = await hold(database_url, held, topup)
    await process.store.append_events([held])
    assert await refusal_of(database_url, conflict, topup.tx_ref) == "TU016"
    assert (await process.store.wallet(topup.user_id)).balance == 50_000


async def test_a_held_transfer_that_comes_while_it_is_accepted_is_credited_once(
    process: Process, database_url: str, topup: Topup
) -> None:
    other = await process.topup()
    for _ in range(10):
        held = transfer(topup.order_code, 1_000)
        conflict = await hold(database_url, held, topup)
        await asyncio.gather(
            process.store.append_events([held]),
            assign(database_url, conflict, other.tx_ref),
            return_exceptions=True,
        )
    wallets = [await process.store.wallet(each.user_id) for each in (topup, other)]
    assert sum(wallet.balance for wallet in wallets) == 10_000


async def hold(url: str, held: Fact, topup: Topup) -> UUID:
    """The event id of the conflict."""
    async with connected(url, "topup_owner") as connection:
        values = (Jsonb(held.data), str(held.event_id), topup.tx_ref)
        [(event_id,)] = await (await connection.execute(HOLD, values)).fetchall()
        assert isinstance(event_id, UUID)
        return event_id
