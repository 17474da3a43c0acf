"""Law 8: confirmed is final, and late is for good. What every event does in every status is the
table of docs/events.md, with its test in test_status_and_event.py.
"""

from dataclasses import replace

import pytest

from app.model import Appended, EventType, Fact, Outcome, Status, Topup
from tests.payments import Process, about, failure, linked, transfer

AMOUNT = 50_000
PARTIAL = 20_000
CLOSING = (EventType.PAYMENT_FAILED, EventType.TOPUP_CANCELLED, EventType.TOPUP_EXPIRED)
OTHER_DOOR = (
    EventType.TOPUP_OPENED,
    EventType.TOPUP_RENUMBERED,
    EventType.PAYMENT_CONFLICT,
    EventType.SUSPENSE_ASSIGNED,
)


async def opened(process: Process) -> Topup:
    topup = await process.topup(AMOUNT)
    await process.store.append_events([linked(topup.tx_ref)])
    return await process.store.topup(topup.user_id, topup.tx_ref)


async def told(process: Process, topup: Topup, *facts: Fact) -> Topup:
    """As it stands after these, one after the other."""
    for fact in facts:
        [answer] = await process.store.append_events([fact])
        assert answer.outcome == Outcome.APPLIED
    return await process.store.topup(topup.user_id, topup.tx_ref)


def closing(type: EventType, topup: Topup) -> Fact:
    if type == EventType.PAYMENT_FAILED:
        return failure(topup.order_code, AMOUNT)
    return about(topup.tx_ref, type)


async def test_nothing_that_ends_a_topup_changes_one_that_is_confirmed(process: Process) -> None:
    topup = await opened(process)
    confirmed = await told(process, topup, transfer(topup.order_code, AMOUNT))
    assert confirmed.status == Status.CONFIRMED
    for type in CLOSING:
        after = await told(process, topup, closing(type, topup))
        confirmed = replace(confirmed, seq=confirmed.seq + 1)
        assert after == confirmed


async def test_a_surplus_is_credited_and_the_time_of_confirmation_stays(process: Process) -> None:
    topup = await opened(process)
    confirmed = await told(process, topup, transfer(topup.order_code, AMOUNT))
    after = await told(process, topup, transfer(topup.order_code, PARTIAL))
    assert after == replace(confirmed, seq=confirmed.seq + 1, amount_paid=AMOUNT + PARTIAL)


async def test_late_stays_once_it_is_set(process: Process) -> None:
    topup = await opened(process)
    late = await told(process, topup, closing(EventType.TOPUP_EXPIRED, topup))
    for _ in range(3):
        late = await told(process, topup, transfer(topup.order_code, PARTIAL))
        assert late.late
    assert (late.status, late.amount_paid) == (Status.CONFIRMED, 3 * PARTIAL)


@pytest.mark.parametrize("type", OTHER_DOOR)
async def test_an_event_that_has_another_door_is_refused(process: Process, type: EventType) -> None:
    topup = await opened(process)
    [answer] = await process.store.append_events([about(topup.tx_ref, type, amount=1)])
    assert answer == Appended(Outcome.REJECTED, None, None, "TU006")
    assert await told(process, topup) == topup
