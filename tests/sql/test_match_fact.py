"""match_fact: by order code, else by a description that leaves no doubt, else not at all."""

from typing import Any

import pytest

from app.model import Appended, EventType, Outcome, Topup
from tests.payments import (
    FOREIGN_LINK,
    UNKNOWN_ORDER,
    Process,
    about,
    failure,
    linked,
    query,
    transfer,
)


async def pay_unknown_order(process: Process, amount: int, *topups: Topup, **data: Any) -> Appended:
    tx_refs = [topup.tx_ref for topup in topups]
    fact = transfer(UNKNOWN_ORDER, amount, description_tx_refs=tx_refs, **data)
    [answer] = await process.store.append_events([fact])
    return answer


async def rule(url: str) -> str | None:
    """That of the latest event."""
    [(note,)] = await query(
        url,
        """
        SELECT coalesce(data ->> 'matched_by', data ->> 'unmatched')
        FROM topup.events ORDER BY id DESC LIMIT 1
        """,
    )
    return None if note is None else str(note)


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup(50_000)


async def test_the_order_code_comes_first(
    process: Process, database_url: str, topup: Topup
) -> None:
    other = await process.topup(50_000)
    fact = transfer(topup.order_code, 50_000, description_tx_refs=[other.tx_ref])
    [answer] = await process.store.append_events([fact])
    assert answer.tx_ref == topup.tx_ref
    assert await rule(database_url) == "order_code"


async def test_a_description_helps_when_the_order_code_is_unknown(
    process: Process, database_url: str, topup: Topup
) -> None:
    answer = await pay_unknown_order(process, 50_000, topup)
    assert answer == Appended(Outcome.APPLIED, topup.tx_ref, 2)
    assert await rule(database_url) == "description"


async def test_a_transfer_that_is_only_described_does_not_tell_the_link(
    process: Process, topup: Topup
) -> None:
    await pay_unknown_order(process, 50_000, topup, payment_link_id=FOREIGN_LINK)
    found = await process.store.topup(topup.user_id, topup.tx_ref)
    assert found.payment_link_id is None


@pytest.mark.parametrize("amount", [49_999, 50_001])
async def test_another_amount_is_a_doubt(
    process: Process, database_url: str, topup: Topup, amount: int
) -> None:
    answer = await pay_unknown_order(process, amount, topup)
    assert answer.outcome == Outcome.SUSPENSE
    assert await rule(database_url) == "order_code.unknown"


async def test_two_that_fit_are_a_doubt(process: Process, database_url: str, topup: Topup) -> None:
    other = await process.topup(50_000)
    assert (await pay_unknown_order(process, 50_000, topup, other)).outcome == Outcome.SUSPENSE
    assert await rule(database_url) == "description.ambiguous"


async def test_one_of_two_fits(process: Process, topup: Topup) -> None:
    other = await process.topup(60_000)
    assert (await pay_unknown_order(process, 50_000, topup, other)).tx_ref == topup.tx_ref


async def test_one_of_two_still_waits(process: Process, topup: Topup) -> None:
    other = await process.topup(50_000)
    await process.store.append_events([about(other.tx_ref, EventType.TOPUP_CANCELLED)])
    assert (await pay_unknown_order(process, 50_000, topup, other)).tx_ref == topup.tx_ref


async def test_named_twice_is_named_once(process: Process, topup: Topup) -> None:
    assert (await pay_unknown_order(process, 50_000, topup, topup)).tx_ref == topup.tx_ref


@pytest.mark.parametrize(
    "type", [EventType.TOPUP_CANCELLED, EventType.TOPUP_EXPIRED, EventType.PAYMENT_RECEIVED]
)
@pytest.mark.parametrize("batches", [1, 2])
async def test_a_topup_that_no_longer_waits_is_not_found_by_its_description(
    process: Process, database_url: str, topup: Topup, type: EventType, batches: int
) -> None:
    """Whether its last event comes before, or in the same batch."""
    if type == EventType.PAYMENT_RECEIVED:
        last = transfer(topup.order_code, 1_000)
    else:
        last = about(topup.tx_ref, type)
    stray = transfer(UNKNOWN_ORDER, 50_000, description_tx_refs=[topup.tx_ref])
    if batches == 1:
        [_, answer] = await process.store.append_events([last, stray])
    else:
        await process.store.append_events([last])
        [answer] = await process.store.append_events([stray])
    assert answer.outcome == Outcome.SUSPENSE
    assert await rule(database_url) == "order_code.unknown"


async def test_a_repeat_of_what_is_in_suspense_takes_nothing_from_its_neighbour(
    process: Process, topup: Topup
) -> None:
    """It would fit by now, but it is recorded; only an assignment moves its money."""
    other = await process.topup(50_000)
    both = [topup.tx_ref, other.tx_ref]
    recorded = transfer(UNKNOWN_ORDER, 50_000, description_tx_refs=both)
    cancelled = about(other.tx_ref, EventType.TOPUP_CANCELLED)
    await process.store.append_events([recorded, cancelled])
    new = transfer(UNKNOWN_ORDER, 50_000, description_tx_refs=both)
    answers = await process.store.append_events([recorded, new])
    assert [answer.outcome for answer in answers] == [Outcome.DUPLICATE, Outcome.APPLIED]


async def test_a_transfer_without_reference_is_matched_with_nothing(
    process: Process, database_url: str, topup: Topup
) -> None:
    answer = await pay_unknown_order(process, 50_000, topup, unmatchable="reference.missing")
    assert answer.outcome == Outcome.SUSPENSE
    assert await rule(database_url) == "reference.missing"


@pytest.mark.parametrize("make", [transfer, failure], ids=["money", "failure"])
@pytest.mark.parametrize(("amount", "belongs"), [(49_999, False), (50_000, True), (50_001, False)])
async def test_before_there_is_a_link_a_text_that_names_none_of_ours_needs_the_very_amount(
    process: Process, database_url: str, topup: Topup, amount: int, belongs: bool, make: Any
) -> None:
    fact = make(topup.order_code, amount)
    fact.data["description_tx_refs"] = []
    [answer] = await process.store.append_events([fact])
    assert answer.tx_ref == (topup.tx_ref if belongs else None)
    assert await rule(database_url) == ("order_code" if belongs else "payment_link_id.foreign")


async def test_a_part_of_the_amount_is_ours_when_its_text_says_so(
    process: Process, topup: Topup
) -> None:
    fact = transfer(topup.order_code, 1_000, description_tx_refs=[topup.tx_ref])
    [answer] = await process.store.append_events([fact])
    assert answer.tx_ref == topup.tx_ref


async def test_a_part_of_the_amount_is_ours_when_get_tells_it(
    process: Process, topup: Topup
) -> None:
    """Whoever asked has compared the amount of the order."""
    fact = transfer(topup.order_code, 1_000, source="payos.get", description_tx_refs=[])
    [answer] = await process.store.append_events([fact])
    assert answer.tx_ref == topup.tx_ref


async def test_a_part_of_the_amount_is_ours_when_it_comes_through_our_link(
    process: Process, topup: Topup
) -> None:
    fact = transfer(topup.order_code, 1_000, description_tx_refs=[])
    [_, answer] = await process.store.append_events([linked(topup.tx_ref), fact])
    assert answer.tx_ref == topup.tx_ref
