"""find_alike: a transfer without a reference, and money in suspense, are not counted twice."""

from dataclasses import replace
from typing import Any

import pytest

from app.model import Fact, Outcome, Topup
from tests.payments import (
    FOREIGN_LINK,
    UNKNOWN_ORDER,
    Process,
    append_raw,
    connected,
    element,
    linked,
    query,
    transfer,
)

AMOUNT = 50_000
MINUTE, NEXT_MINUTE = "2026-01-02T10:11:12+07:00", "2026-01-02T10:12:12+07:00"
NEARLY_A_MINUTE_BEFORE, NEARLY_A_MINUTE_AFTER = "2026-01-02T10:10:13+07:00", "2026-01-02T03:12:11Z"
UNKNOWN_TX_REF = "TZZZZZZZZ"
ASSIGN = "SELECT (topup.assign_suspense(%s, %s, 'bank statement', 'Lan')).outcome"
RECEIVED = "SELECT received::int FROM audit.money_equation"


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup(AMOUNT)


def told(order_code: int, reference: str = "W", **data: Any) -> Fact:
    """By a webhook."""
    data = {"amount": AMOUNT, "transaction_at": MINUTE, **data}
    return transfer(order_code, reference=reference, **data)


def asked(order_code: int, reference: str, *others: str, **data: Any) -> Fact:
    """By GET, whose answer lists this reference and the others."""
    listed = [reference, *others]
    return told(order_code, reference, source="payos.get", listed=listed, **data)


def nameless(order_code: int, signed: str = "without a reference", **data: Any) -> Fact:
    """By a webhook that has no reference; `signed`: its bytes, which are its identity."""
    return told(order_code, signed, unmatchable="reference.missing", **data)


async def append(process: Process, *facts: Fact) -> list[Outcome]:
    return [answer.outcome for answer in await process.store.append_events(facts)]


async def received(url: str) -> int:
    [(sum_vnd,)] = await query(url, RECEIVED)
    return int(sum_vnd)


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("nameless_first", [False, True])
async def test_a_webhook_without_a_reference_and_the_full_one_are_money_once(
    process: Process, database_url: str, topup: Topup, nameless_first: bool, together: bool
) -> None:
    facts = [nameless(topup.order_code), told(topup.order_code)]
    first, second = facts if nameless_first else facts[::-1]
    if together:
        outcomes = await append(process, first, second)
    else:
        outcomes = await append(process, first) + await append(process, second)
    assert outcomes == [Outcome.SUSPENSE if nameless_first else Outcome.APPLIED, Outcome.CONFLICT]
    assert await append(process, second) == [Outcome.DUPLICATE]
    assert await received(database_url) == AMOUNT
    [held] = await query(
        database_url,
        "SELECT data ->> 'held_event_id', data ->> 'conflicts_with' FROM topup.events "
        "WHERE type = 'payment.conflict'",
    )
    assert held == (str(second.event_id), str(first.event_id))


async def test_what_a_person_assigned_is_not_credited_again_by_the_full_webhook(
    process: Process, database_url: str, topup: Topup
) -> None:
    first = nameless(topup.order_code)
    await append(process, first)
    await query(database_url, ASSIGN, first.event_id, topup.tx_ref)
    assert await append(process, told(topup.order_code)) == [Outcome.CONFLICT]
    assert (await process.store.wallet(topup.user_id)).balance == AMOUNT


async def test_an_answer_between_the_two_webhooks_releases_neither(
    process: Process, database_url: str, topup: Topup
) -> None:
    await append(process, nameless(topup.order_code))
    assert await append(process, asked(topup.order_code, "W")) == [Outcome.CONFLICT]
    assert await append(process, told(topup.order_code)) == [Outcome.DUPLICATE]
    assert await received(database_url) == AMOUNT


async def test_no_answer_proves_which_transfer_has_no_reference(
    process: Process, topup: Topup
) -> None:
    code = topup.order_code
    await append(process, nameless(code))
    both = asked(code, "A", "B"), asked(code, "B", "A")
    assert await append(process, *both) == [Outcome.CONFLICT] * 2


async def test_what_is_held_beside_it_is_released_by_a_person(
    process: Process, database_url: str, topup: Topup
) -> None:
    full = told(topup.order_code)
    await append(process, nameless(topup.order_code), full)
    [(conflict,)] = await query(
        database_url, "SELECT event_id FROM topup.events WHERE type = 'payment.conflict'"
    )
    assert await query(database_url, ASSIGN, conflict, topup.tx_ref) == [("applied",)]
    assert await append(process, full) == [Outcome.DUPLICATE]
    assert (await process.store.wallet(topup.user_id)).balance == AMOUNT


@pytest.mark.parametrize(
    "other", [{"transaction_at": NEXT_MINUTE}, {"link": FOREIGN_LINK}, {"amount": AMOUNT + 1}]
)
@pytest.mark.parametrize("nameless_first", [False, True])
async def test_another_minute_link_or_amount_is_another_payment(
    process: Process, topup: Topup, nameless_first: bool, other: dict[str, Any]
) -> None:
    facts = [nameless(topup.order_code, **other), told(topup.order_code)]
    for fact in facts if nameless_first else facts[::-1]:
        assert await append(process, fact) != [Outcome.CONFLICT]


async def test_a_webhook_without_a_reference_for_another_order_holds_nothing(
    process: Process, topup: Topup
) -> None:
    neighbour = await process.topup(AMOUNT)
    await append(process, nameless(neighbour.order_code))
    assert await append(process, told(topup.order_code)) == [Outcome.APPLIED]


async def test_two_without_a_reference_are_two(process: Process, topup: Topup) -> None:
    both = [nameless(topup.order_code, signed) for signed in ("one", "other")]
    both = [replace(fact, data=fact.data | {"reference": ""}) for fact in both]
    assert await append(process, *both) == [Outcome.SUSPENSE] * 2


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("webhook_first", [False, True])
@pytest.mark.parametrize("known", [False, True], ids=["unknown order", "order of a top-up"])
async def test_a_stranger_under_two_references_is_in_suspense_once(
    process: Process,
    database_url: str,
    topup: Topup,
    known: bool,
    webhook_first: bool,
    together: bool,
) -> None:
    code = topup.order_code if known else UNKNOWN_ORDER
    reservation = {"unmatchable": "payment_link_id.foreign"} if known else {}
    await append(process, linked(topup.tx_ref))
    facts = [
        told(code, link=FOREIGN_LINK),
        asked(code, "G", link=FOREIGN_LINK, **reservation),
    ]
    first, second = facts if webhook_first else facts[::-1]
    if together:
        outcomes = await append(process, first, second)
    else:
        outcomes = await append(process, first) + await append(process, second)
    assert outcomes == [Outcome.SUSPENSE, Outcome.CONFLICT]
    assert await append(process, second) == [Outcome.DUPLICATE]
    assert await received(database_url) == AMOUNT


async def test_an_answer_that_lists_both_puts_both_in_suspense(process: Process) -> None:
    await append(process, told(UNKNOWN_ORDER, "W"))
    both = asked(UNKNOWN_ORDER, "W", "G"), asked(UNKNOWN_ORDER, "G", "W")
    assert await append(process, *both) == [Outcome.DUPLICATE, Outcome.SUSPENSE]


async def test_two_strangers_that_webhooks_tell_are_two(process: Process) -> None:
    strangers = told(UNKNOWN_ORDER, "A"), told(UNKNOWN_ORDER, "B")
    assert await append(process, *strangers) == [Outcome.SUSPENSE] * 2


async def test_what_a_topup_disowned_before_it_had_its_link_is_not_credited_under_another_name(
    process: Process, database_url: str, topup: Topup
) -> None:
    """The text of the webhook was garbled; the answer came when the link was known."""
    code, garbled = topup.order_code, [UNKNOWN_TX_REF]
    assert await append(process, told(code, description_tx_refs=garbled)) == [Outcome.SUSPENSE]
    await append(process, linked(topup.tx_ref))
    answer = asked(code, "G", description_tx_refs=garbled)
    assert await append(process, answer) == [Outcome.CONFLICT]
    assert await received(database_url) == AMOUNT


async def test_what_was_credited_by_its_description_does_not_come_again_as_a_stranger(
    process: Process, database_url: str, topup: Topup
) -> None:
    described: dict[str, Any] = {"description_tx_refs": [topup.tx_ref]}
    found = asked(UNKNOWN_ORDER, "G", **described)
    assert await append(process, found) == [Outcome.APPLIED]
    assert await append(process, told(UNKNOWN_ORDER, **described)) == [Outcome.CONFLICT]
    assert await received(database_url) == AMOUNT


async def test_a_stranger_whose_order_code_is_none_is_refused_without_its_neighbours(
    process: Process, database_url: str, topup: Topup
) -> None:
    odd = nameless(topup.order_code)
    odd = replace(odd, data=odd.data | {"order_code": "none"})
    async with connected(database_url, "topup_app") as connection:
        batch = [element(fact) for fact in (odd, told(topup.order_code))]
        answers = await append_raw(connection, batch)
    assert [answer[0] for answer in answers] == ["rejected", "applied"]


async def test_what_a_person_accepted_counts_when_the_rest_is_told(
    process: Process, database_url: str, topup: Topup
) -> None:
    """Two payments, which GET tells under other references than webhooks."""
    code = topup.order_code
    both = asked(code, "GA", "GB"), asked(code, "GB", "GA")
    assert await append(process, told(code, "A")) == [Outcome.APPLIED]
    assert await append(process, *both) == [Outcome.CONFLICT, Outcome.CONFLICT]
    await accept(database_url, "GB", topup)
    assert await append(process, told(code, "B")) == [Outcome.CONFLICT]
    assert await received(database_url) == 2 * AMOUNT


async def test_an_answer_that_lists_both_is_no_proof_of_what_a_person_accepted(
    process: Process, database_url: str, topup: Topup
) -> None:
    code = topup.order_code
    assert await append(process, asked(code, "GA")) == [Outcome.APPLIED]
    assert await append(process, told(code, "B")) == [Outcome.CONFLICT]
    await accept(database_url, "B", topup)
    both = asked(code, "GA", "GB"), asked(code, "GB", "GA")
    assert await append(process, *both) == [Outcome.DUPLICATE, Outcome.CONFLICT]
    assert await received(database_url) == 2 * AMOUNT


async def accept(url: str, reference: str, topup: Topup) -> None:
    """As a person who looked at the bank's statement."""
    [(held,)] = await query(
        url,
        "SELECT event_id FROM topup.events "
        "WHERE type = 'payment.conflict' AND data ->> 'reference' = %s",
        reference,
    )
    assert await query(url, ASSIGN, held, topup.tx_ref) == [("applied",)]


async def test_an_answer_that_has_another_reference_than_the_one_before_is_no_more_money(
    process: Process, database_url: str, topup: Topup
) -> None:
    code = topup.order_code
    assert await append(process, asked(code, "G")) == [Outcome.APPLIED]
    assert await append(process, asked(code, "H")) == [Outcome.CONFLICT]
    assert await received(database_url) == AMOUNT
    both = asked(code, "G", "H"), asked(code, "H", "G")
    assert await append(process, *both) == [Outcome.DUPLICATE, Outcome.APPLIED]


@pytest.mark.parametrize("together", [False, True])
async def test_transfers_of_one_answer_are_each_money(
    process: Process, database_url: str, topup: Topup, together: bool
) -> None:
    code = topup.order_code
    three = [asked(code, "G", "H", "I"), asked(code, "H", "I", "G"), asked(code, "I", "G", "H")]
    for batch in [three] if together else [[fact] for fact in three]:
        assert await append(process, *batch) == [Outcome.APPLIED] * len(batch)
    assert await append(process, asked(code, "J", "G", "H", "I")) == [Outcome.APPLIED]


async def test_what_an_answer_listed_beside_another_is_two_also_when_it_is_listed_alone(
    process: Process, topup: Topup
) -> None:
    assert await append(process, asked(topup.order_code, "G", "H")) == [Outcome.APPLIED]
    assert await append(process, asked(topup.order_code, "H")) == [Outcome.APPLIED]


@pytest.mark.parametrize("at", [NEARLY_A_MINUTE_BEFORE, NEARLY_A_MINUTE_AFTER, None])
@pytest.mark.parametrize("webhook_first", [False, True])
async def test_a_time_that_another_rounds_or_does_not_tell_makes_no_second_transfer(
    process: Process, topup: Topup, webhook_first: bool, at: str | None
) -> None:
    facts = [told(topup.order_code), asked(topup.order_code, "G", transaction_at=at)]
    first, second = facts if webhook_first else facts[::-1]
    assert await append(process, first) == [Outcome.APPLIED]
    assert await append(process, second) == [Outcome.CONFLICT]


@pytest.mark.parametrize("webhook_first", [False, True])
async def test_a_minute_apart_are_two(process: Process, topup: Topup, webhook_first: bool) -> None:
    facts = [told(topup.order_code), asked(topup.order_code, "G", transaction_at=NEXT_MINUTE)]
    for fact in facts if webhook_first else facts[::-1]:
        assert await append(process, fact) == [Outcome.APPLIED]
