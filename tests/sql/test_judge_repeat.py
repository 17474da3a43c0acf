"""judge_repeat: a held transfer that is told with other money is money once, whoever decides."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from app.model import Fact, Outcome, Topup
from tests.payments import UNKNOWN_ORDER, Process, failure, query, transfer
from tests.sql.test_find_alike import ASSIGN, append, asked, received, told

AMOUNT, OTHER = 50_000, 51_000
CONFLICT = """
    SELECT event_id FROM topup.events
    WHERE type = 'payment.conflict' AND data ->> 'amount' = %s::text
"""
STATES = "SELECT amount::int, state FROM audit.conflicts ORDER BY amount"


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup(AMOUNT)


@pytest.fixture
def listed(topup: Topup) -> Fact:
    """By GET, under another reference."""
    return asked(topup.order_code, "G")


@pytest.fixture
def held(topup: Topup) -> Fact:
    return told(topup.order_code, "W")


@pytest.fixture
def otherwise(held: Fact) -> Fact:
    """What is held, told with other money."""
    return replace(held, data=held.data | {"amount": OTHER})


async def conflict(url: str, amount: int) -> UUID:
    [(event_id,)] = await query(url, CONFLICT, amount)
    assert isinstance(event_id, UUID)
    return event_id


@pytest.mark.parametrize("together", [False, True])
async def test_it_is_a_conflict_and_an_answer_that_lists_both_credits_what_is_held(
    process: Process,
    database_url: str,
    topup: Topup,
    listed: Fact,
    held: Fact,
    otherwise: Fact,
    together: bool,
) -> None:
    facts = [listed, held, otherwise, otherwise]
    outcomes = (
        await append(process, *facts)
        if together
        else [outcome for fact in facts for outcome in await append(process, fact)]
    )
    assert outcomes == [Outcome.APPLIED, Outcome.CONFLICT, Outcome.CONFLICT, Outcome.DUPLICATE]
    assert await received(database_url) == AMOUNT
    assert await query(database_url, STATES) == [(AMOUNT, "open"), (OTHER, "open")]

    assert await append(process, asked(topup.order_code, "W", "G")) == [Outcome.APPLIED]
    assert await append(process, otherwise) == [Outcome.DUPLICATE]
    assert await received(database_url) == 2 * AMOUNT
    assert await query(database_url, STATES) == [(AMOUNT, "recorded"), (OTHER, "recorded")]


async def test_told_for_another_order_it_is_a_conflict(
    process: Process, database_url: str, topup: Topup, listed: Fact, held: Fact
) -> None:
    neighbour = await process.topup(AMOUNT)
    await append(process, listed, held)
    elsewhere = replace(held, data=held.data | {"order_code": neighbour.order_code})
    assert await append(process, elsewhere) == [Outcome.CONFLICT]
    assert await received(database_url) == AMOUNT


@pytest.mark.parametrize(("accepted", "left"), [(AMOUNT, OTHER), (OTHER, AMOUNT)])
async def test_a_person_accepts_one_or_the_other(
    process: Process,
    database_url: str,
    topup: Topup,
    listed: Fact,
    held: Fact,
    otherwise: Fact,
    accepted: int,
    left: int,
) -> None:
    await append(process, listed, held, otherwise)
    event_id = await conflict(database_url, accepted)
    assert await query(database_url, ASSIGN, event_id, topup.tx_ref) == [("applied",)]
    assert await query(database_url, ASSIGN, event_id, topup.tx_ref) == [("duplicate",)]
    with pytest.raises(Exception, match="recorded meanwhile"):
        await query(database_url, ASSIGN, await conflict(database_url, left), topup.tx_ref)
    states = {accepted: "accepted", left: "recorded"}
    assert await query(database_url, STATES) == sorted(states.items())
    await append(process, asked(topup.order_code, "W", "G"))
    assert await received(database_url) == AMOUNT + accepted


async def test_what_was_not_accepted_can_be_told_again_and_is_still_not_to_be_accepted(
    process: Process,
    database_url: str,
    topup: Topup,
    listed: Fact,
    held: Fact,
    otherwise: Fact,
) -> None:
    await append(process, listed, held, otherwise)
    await query(database_url, ASSIGN, await conflict(database_url, OTHER), topup.tx_ref)
    assert await append(process, held, otherwise) == [Outcome.DUPLICATE] * 2
    third = replace(held, data=held.data | {"amount": OTHER + 1})
    assert await append(process, third) == [Outcome.CONFLICT]
    with pytest.raises(Exception, match="recorded meanwhile"):
        await query(database_url, ASSIGN, await conflict(database_url, OTHER + 1), topup.tx_ref)
    assert await received(database_url) == AMOUNT + OTHER


async def test_what_a_person_accepted_instead_of_it_holds_nothing_of_its_amount(
    process: Process,
    database_url: str,
    topup: Topup,
    listed: Fact,
    held: Fact,
    otherwise: Fact,
) -> None:
    await append(process, listed, held, otherwise)
    await query(database_url, ASSIGN, await conflict(database_url, OTHER), topup.tx_ref)
    assert await append(process, asked(topup.order_code, "H", "G")) == [Outcome.APPLIED]
    other = asked(topup.order_code, "I", "G", "H", amount=OTHER)
    assert await append(process, other) == [Outcome.CONFLICT]


async def test_its_amount_told_before_counts_where_nothing_is_held(
    process: Process, database_url: str, topup: Topup
) -> None:
    paid = transfer(topup.order_code, AMOUNT, "W")
    assert await append(process, paid) == [Outcome.APPLIED]
    otherwise = replace(paid, data=paid.data | {"amount": OTHER})
    assert await append(process, otherwise) == [Outcome.CONFLICT]
    event_id = await conflict(database_url, OTHER)
    assert await query(database_url, ASSIGN, event_id, topup.tx_ref) == [("applied",)]
    assert await received(database_url) == AMOUNT + OTHER


@pytest.mark.parametrize("together", [False, True])
async def test_a_stranger_that_brought_no_money_changes_nothing(
    process: Process, together: bool
) -> None:
    """What is credited by its text, and told through another channel under an order of its own."""
    named, own = await process.topup(AMOUNT), await process.topup(AMOUNT)
    by_its_text = told(UNKNOWN_ORDER, description_tx_refs=[named.tx_ref])
    assert await append(process, by_its_text) == [Outcome.APPLIED]
    stranger = failure(UNKNOWN_ORDER + 1, AMOUNT)
    again = told(own.order_code, description_tx_refs=[named.tx_ref])
    facts = [stranger, replace(again, event_id=uuid4())]
    outcomes = (
        await append(process, *facts)
        if together
        else [outcome for fact in facts for outcome in await append(process, fact)]
    )
    assert outcomes == [Outcome.SUSPENSE, Outcome.APPLIED]
