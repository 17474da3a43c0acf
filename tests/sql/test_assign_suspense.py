"""assign_suspense: a person says whose the money is; said twice, it is credited once."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from app.model import EventType, Fact, Topup
from tests.payments import (
    UNKNOWN_ORDER,
    Process,
    connected,
    failure,
    query,
    transfer,
)

ASSIGN = "SELECT outcome, tx_ref, seq FROM topup.assign_suspense(%s, %s, %s)"
REASON = "the payer called"


async def assign(
    url: str, fact: Fact | UUID, tx_ref: str | None, reason: str | None = REASON
) -> tuple[Any, ...]:
    event_id = fact.event_id if isinstance(fact, Fact) else fact
    async with connected(url, "topup_app") as connection:
        [row] = await (await connection.execute(ASSIGN, (event_id, tx_ref, reason))).fetchall()
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
        SELECT data ->> 'reason', data ->> 'suspense_event_id' FROM topup.events WHERE seq = 2
        """,
    ) == [(REASON, str(stray.event_id))]


async def test_said_again_it_is_a_duplicate(
    process: Process, database_url: str, topup: Topup, stray: Fact
) -> None:
    await assign(database_url, stray, topup.tx_ref)
    again = await assign(database_url, stray, topup.tx_ref, "another reason")
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
    conflict = transfer(UNKNOWN_ORDER, 7, stray.data["reference"])
    await process.store.append_events([credited, failed, conflict])
    [(conflict_id,)] = await query(
        database_url, "SELECT event_id FROM topup.events WHERE type = 'payment.conflict'"
    )
    for event_id in (uuid4(), credited.event_id, failed.event_id, conflict_id):
        assert await refusal_of(database_url, event_id, topup.tx_ref) == "TU007"


async def test_an_unknown_topup_is_refused(database_url: str, stray: Fact) -> None:
    assert await refusal_of(database_url, stray, "T0000000Z") == "TU002"


@pytest.mark.parametrize("reason", [None, "", "   "])
async def test_an_assignment_without_a_reason_is_refused(
    database_url: str, topup: Topup, stray: Fact, reason: str | None
) -> None:
    assert await refusal_of(database_url, stray, topup.tx_ref, reason) == "TU009"
