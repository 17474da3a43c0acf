"""Law 8: every status meets every event, one by one, through the doors that the service uses.

The table is that of docs/events.md, for a top-up of 50,000 đồng.
"""

from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from app.model import Appended, EventType, Fact, Outcome, Status, Topup, TxRef
from tests.payments import (
    UNKNOWN_ORDER,
    Process,
    about,
    connected,
    failure,
    linked,
    query,
    transfer,
)

AMOUNT = 50_000
PARTIAL = 20_000

RECEIVED, ASSIGNED = EventType.PAYMENT_RECEIVED, EventType.SUSPENSE_ASSIGNED
CLOSING = {
    EventType.PAYMENT_FAILED: Status.FAILED,
    EventType.TOPUP_CANCELLED: Status.CANCELLED,
    EventType.TOPUP_EXPIRED: Status.EXPIRED,
}
OTHER_DOOR = {
    EventType.TOPUP_OPENED,
    EventType.TOPUP_RENUMBERED,
    EventType.PAYMENT_CONFLICT,
    EventType.SUSPENSE_ASSIGNED,
}


@dataclass(frozen=True)
class State:
    status: Status
    amount_paid: int
    late: bool
    confirmed_seq: int | None
    closed_seq: int | None


BEFORE = {
    Status.PENDING: State(Status.PENDING, 0, False, None, None),
    Status.UNDERPAID: State(Status.UNDERPAID, PARTIAL, False, None, None),
    Status.CONFIRMED: State(Status.CONFIRMED, AMOUNT, False, 3, None),
    Status.FAILED: State(Status.FAILED, 0, False, None, 3),
    Status.CANCELLED: State(Status.CANCELLED, 0, False, None, 3),
    Status.EXPIRED: State(Status.EXPIRED, 0, False, None, 3),
}
"""After topup.opened, topup.linked and at most one event more."""

PAID_IN_PART = {
    Status.PENDING: State(Status.UNDERPAID, PARTIAL, False, None, None),
    Status.UNDERPAID: State(Status.UNDERPAID, 2 * PARTIAL, False, None, None),
    Status.CONFIRMED: State(Status.CONFIRMED, AMOUNT + PARTIAL, False, 3, None),
    Status.FAILED: State(Status.UNDERPAID, PARTIAL, True, None, None),
    Status.CANCELLED: State(Status.UNDERPAID, PARTIAL, True, None, None),
    Status.EXPIRED: State(Status.UNDERPAID, PARTIAL, True, None, None),
}
PAID_IN_FULL = {
    Status.PENDING: State(Status.CONFIRMED, AMOUNT, False, 3, None),
    Status.UNDERPAID: State(Status.CONFIRMED, PARTIAL + AMOUNT, False, 4, None),
    Status.CONFIRMED: State(Status.CONFIRMED, 2 * AMOUNT, False, 3, None),
    Status.FAILED: State(Status.CONFIRMED, AMOUNT, True, 4, None),
    Status.CANCELLED: State(Status.CONFIRMED, AMOUNT, True, 4, None),
    Status.EXPIRED: State(Status.CONFIRMED, AMOUNT, True, 4, None),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("type", EventType)
async def test_every_status_meets_every_event(
    process: Process, database_url: str, status: Status, type: EventType
) -> None:
    topup = await bring_to(status, process)
    before = await state(database_url, topup.tx_ref)
    assert before == BEFORE[status]
    if type in {RECEIVED, ASSIGNED}:
        await pay(type, PARTIAL, topup, process, database_url)
        assert await state(database_url, topup.tx_ref) == PAID_IN_PART[status]
    elif type in CLOSING:
        await process.store.append_events([closing(type, topup)])
        closed = State(CLOSING[type], 0, False, None, 3)
        expected = closed if status == Status.PENDING else before
        assert await state(database_url, topup.tx_ref) == expected
    elif type == EventType.TOPUP_LINKED:
        await process.store.append_events([linked(topup.tx_ref)])
        assert await state(database_url, topup.tx_ref) == before
    elif type == EventType.TOPUP_RENUMBERED:
        topup = await process.store.topup(topup.user_id, topup.tx_ref)
        assert await process.openings.renumber(topup.tx_ref, topup.order_code) == topup
        assert await state(database_url, topup.tx_ref) == before
    elif type == EventType.PAYMENT_CONFLICT:
        await conflict(topup, process)
        assert await state(database_url, topup.tx_ref) == before
    else:
        with pytest.raises(psycopg.errors.UniqueViolation):
            await insert_opened_again(topup, database_url)
        assert await state(database_url, topup.tx_ref) == before


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("type", [RECEIVED, ASSIGNED])
async def test_money_that_reaches_the_amount_confirms(
    process: Process, database_url: str, status: Status, type: EventType
) -> None:
    topup = await bring_to(status, process)
    await pay(type, AMOUNT, topup, process, database_url)
    assert await state(database_url, topup.tx_ref) == PAID_IN_FULL[status]


async def test_late_stays_once_it_is_set(process: Process, database_url: str) -> None:
    topup = await bring_to(Status.EXPIRED, process)
    for _ in range(3):
        await pay(RECEIVED, PARTIAL, topup, process, database_url)
    assert await state(database_url, topup.tx_ref) == State(
        Status.CONFIRMED, 3 * PARTIAL, True, 6, None
    )


@pytest.mark.parametrize("type", OTHER_DOOR)
async def test_an_event_that_has_another_door_is_refused(
    process: Process, database_url: str, type: EventType
) -> None:
    topup = await bring_to(Status.PENDING, process)
    [answer] = await process.store.append_events([about(topup.tx_ref, type, amount=1)])
    assert answer == Appended(Outcome.REJECTED, None, None, "TU006")
    assert await state(database_url, topup.tx_ref) == BEFORE[Status.PENDING]


async def test_confirmed_at_is_the_recording_of_the_first_transfer_that_reached_the_amount(
    process: Process, database_url: str
) -> None:
    topup = await bring_to(Status.CONFIRMED, process)
    [(confirmed_at,)] = await query(database_url, "SELECT confirmed_at FROM topup.topups")
    for type in (RECEIVED, *CLOSING, RECEIVED):
        fact = transfer(topup.order_code, 1) if type == RECEIVED else closing(type, topup)
        await process.store.append_events([fact])
    assert (await process.store.topup(topup.user_id, topup.tx_ref)).confirmed_at == confirmed_at


async def bring_to(status: Status, process: Process) -> Topup:
    topup = await process.topup(AMOUNT)
    by_event = {closed: closing(type, topup) for type, closed in CLOSING.items()}
    first = {
        Status.UNDERPAID: [transfer(topup.order_code, PARTIAL, "first")],
        Status.CONFIRMED: [transfer(topup.order_code, AMOUNT, "first")],
    }
    await process.store.append_events([linked(topup.tx_ref)])
    for fact in first.get(status, [by_event[status]] if status in by_event else []):
        await process.store.append_events([fact])
    return topup


def closing(type: EventType, topup: Topup) -> Fact:
    if type == EventType.PAYMENT_FAILED:
        return failure(topup.order_code, AMOUNT)
    return about(topup.tx_ref, type)


async def pay(type: EventType, amount: int, topup: Topup, process: Process, url: str) -> None:
    if type == RECEIVED:
        fact = transfer(topup.order_code, amount)
        [answer] = await process.store.append_events([fact])
        assert answer.outcome == Outcome.APPLIED
        return
    fact = transfer(UNKNOWN_ORDER, amount)
    await process.store.append_events([fact])
    async with connected(url, "topup_app") as connection:
        await connection.execute(
            "SELECT topup.assign_suspense(%s, %s, 'test', 'Lan')",
            (fact.event_id, topup.tx_ref),
        )


async def conflict(topup: Topup, process: Process) -> None:
    """The transfer has been credited to another top-up, so it is only noted here."""
    other = await process.topup(AMOUNT)
    await process.store.append_events([transfer(other.order_code, 7, "same")])
    [answer] = await process.store.append_events([transfer(topup.order_code, 7, "same")])
    assert (answer.outcome, answer.tx_ref) == (Outcome.CONFLICT, topup.tx_ref)


async def insert_opened_again(topup: Topup, url: str) -> None:
    async with connected(url, "topup_owner") as connection:
        await connection.execute(
            """
            INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
            SELECT %s, tx_ref, seq, type, data, occurred_at
            FROM topup.events WHERE tx_ref = %s AND seq = 1
            """,
            (UUID(int=1), topup.tx_ref),
        )


async def state(url: str, tx_ref: TxRef) -> State:
    [(status, amount_paid, late, confirmed_seq, closed_seq)] = await query(
        url,
        """
        SELECT t.status, t.amount_paid, t.late, c.seq, x.seq
        FROM topup.topups AS t
        LEFT JOIN topup.events AS c ON c.tx_ref = t.tx_ref AND c.recorded_at = t.confirmed_at
        LEFT JOIN topup.events AS x ON x.tx_ref = t.tx_ref AND x.recorded_at = t.closed_at
        WHERE t.tx_ref = %s
        """,
        tx_ref,
    )
    return State(Status(status), amount_paid, late, confirmed_seq, closed_seq)
