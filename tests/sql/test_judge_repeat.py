"""judge_repeat: money that may be known already under another reference is held, not credited."""

from typing import Any

import pytest

from app.model import Appended, Fact, Outcome, Topup
from tests.payments import Process, query, transfer
from tests.sql.checks import claim

MINUTE, SAME_MINUTE, NEXT_MINUTE = (
    f"2026-01-02T10:{moment}+07:00" for moment in ("11:12", "11:59", "12:00")
)
AMOUNT = 50_000


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup(AMOUNT)


def told(topup: Topup, reference: str, at: str | None = MINUTE, amount: int = AMOUNT) -> Fact:
    """By a webhook."""
    return transfer(topup.order_code, amount, reference, transaction_at=at)


def asked(topup: Topup, reference: str, *others: str, at: str | None = MINUTE) -> Fact:
    """By GET, whose answer lists this reference and the others."""
    listed = [reference, *others]
    data: dict[str, Any] = {"source": "payos.get", "listed": listed, "transaction_at": at}
    return transfer(topup.order_code, AMOUNT, reference, **data)


async def append(process: Process, *facts: Fact) -> list[Outcome]:
    answers: list[Appended] = await process.store.append_events(facts)
    return [answer.outcome for answer in answers]


async def balance(process: Process, topup: Topup) -> int:
    return (await process.store.wallet(topup.user_id)).balance


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("webhook_first", [False, True])
async def test_one_told_and_one_asked_for_with_other_references_are_one_until_proved_two(
    process: Process, database_url: str, topup: Topup, webhook_first: bool, together: bool
) -> None:
    facts = [told(topup, "W"), asked(topup, "G", at=SAME_MINUTE)]
    first, second = facts if webhook_first else reversed(facts)
    if together:
        outcomes = await append(process, first, second)
    else:
        outcomes = await append(process, first) + await append(process, second)
    assert outcomes == [Outcome.APPLIED, Outcome.CONFLICT]
    assert await balance(process, topup) == AMOUNT
    assert await append(process, second) == [Outcome.DUPLICATE]
    [(held, other)] = await query(
        database_url,
        "SELECT data ->> 'held_event_id', data ->> 'conflicts_with' FROM topup.events "
        "WHERE type = 'payment.conflict'",
    )
    assert (held, other) == (str(second.event_id), str(first.event_id))


@pytest.mark.parametrize("webhook_first", [False, True])
async def test_an_answer_that_lists_both_credits_what_was_held(
    process: Process, topup: Topup, webhook_first: bool
) -> None:
    facts = [told(topup, "W"), asked(topup, "G")]
    for fact in facts if webhook_first else reversed(facts):
        await append(process, fact)
    both = [asked(topup, "W", "G"), asked(topup, "G", "W")]
    assert sorted(await append(process, *both)) == [Outcome.APPLIED, Outcome.DUPLICATE]
    assert await balance(process, topup) == 2 * AMOUNT
    assert await append(process, *facts) == [Outcome.DUPLICATE] * 2


async def test_two_payments_of_one_minute_that_webhooks_tell_are_both_credited(
    process: Process, topup: Topup
) -> None:
    assert await append(process, told(topup, "A"), told(topup, "B")) == [Outcome.APPLIED] * 2
    assert (
        await append(process, asked(topup, "A", "B"), asked(topup, "B", "A"))
        == [Outcome.DUPLICATE] * 2
    )
    assert await balance(process, topup) == 2 * AMOUNT


async def test_two_payments_of_one_minute_that_only_get_tells_are_both_credited(
    process: Process, topup: Topup
) -> None:
    both = [asked(topup, "A", "B"), asked(topup, "B", "A")]
    assert await append(process, *both) == [Outcome.APPLIED] * 2
    assert await append(process, told(topup, "A"), told(topup, "B")) == [Outcome.DUPLICATE] * 2


async def test_a_webhook_whose_reference_the_answer_listed_is_another_payment(
    process: Process, topup: Topup
) -> None:
    assert await append(process, asked(topup, "A", "B")) == [Outcome.APPLIED]
    assert await append(process, told(topup, "B")) == [Outcome.APPLIED]


@pytest.mark.parametrize(
    "other",
    [
        {"at": NEXT_MINUTE},
        {"amount": AMOUNT + 1},
    ],
    ids=["minute", "amount"],
)
async def test_another_minute_or_amount_is_another_payment(
    process: Process, topup: Topup, other: dict[str, Any]
) -> None:
    await append(process, asked(topup, "G"))
    assert await append(process, told(topup, "W", **other)) == [Outcome.APPLIED]


async def test_another_topup_is_another_payment(process: Process, topup: Topup) -> None:
    neighbour = await process.topup(AMOUNT)
    await append(process, asked(topup, "G"), told(neighbour, "N"))
    assert await append(process, asked(neighbour, "N")) == [Outcome.DUPLICATE]
    assert await balance(process, neighbour) == AMOUNT


async def test_a_time_that_nobody_could_read_may_be_any(process: Process, topup: Topup) -> None:
    await append(process, told(topup, "W", at=None))
    assert await append(process, asked(topup, "G")) == [Outcome.CONFLICT]


async def test_what_is_held_from_a_webhook_is_asked_about_at_once_though_confirmed(
    process: Process, database_url: str, topup: Topup
) -> None:
    await append(process, asked(topup, "G"))
    assert await claim(database_url) == set()
    await append(process, told(topup, "W"))
    assert await claim(database_url) == {topup.tx_ref}


async def test_what_is_held_from_an_answer_brings_no_further_question(
    process: Process, database_url: str, topup: Topup
) -> None:
    await append(process, told(topup, "W"))
    await append(process, asked(topup, "G"))
    assert await claim(database_url) == set()


async def test_other_money_under_a_known_reference_is_a_conflict_as_before(
    process: Process, topup: Topup
) -> None:
    await append(process, told(topup, "W"))
    assert await append(process, told(topup, "W", amount=1)) == [Outcome.CONFLICT]
