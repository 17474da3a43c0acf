"""has_open_conflict: nobody waits for a person who has decided, or pays while one has to."""

from collections.abc import Callable
from typing import LiteralString
from uuid import UUID

import pytest

from app.model import EventType, Fact, Topup
from tests.payments import UNKNOWN_ORDER, Process, about, failure, linked, query, transfer

ASSIGN = "SELECT (topup.assign_suspense(%s, %s, 'bank statement', 'Lan')).outcome"
CONFLICTS = "SELECT event_id FROM topup.events WHERE type = 'payment.conflict' ORDER BY id"
HOLD: LiteralString = """
    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    SELECT
        gen_random_uuid(), t.tx_ref, t.seq + 1, 'payment.conflict',
        jsonb_build_object('order_code', t.order_code, 'amount', 50000, 'code', %s::text)
        || coalesce(jsonb_build_object('held_event_id', %s::text), '{}'), clock_timestamp()
    FROM topup.topups AS t WHERE t.tx_ref = %s
    RETURNING event_id
"""
"""A conflict in a way that no webhook of today makes."""

DIFFERENCES = """
    SELECT t.tx_ref FROM topup.topups AS t
    WHERE topup.has_open_conflict(t.tx_ref, t.seq) <> (
        t.tx_ref IN (
            SELECT c.tx_ref FROM audit.conflicts AS c
            WHERE c.state = 'open' AND c.tx_ref IS NOT NULL
        )
    )
"""


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup(50_000)


def nameless(topup: Topup) -> Fact:
    """The bank gave no reference: what comes beside it may be the same money, and is held."""
    return transfer(topup.order_code, 50_000, unmatchable="reference.missing")


async def hold(process: Process, url: str, topup: Topup) -> UUID:
    """The conflict of a transfer that is held."""
    for fact in (nameless(topup), transfer(topup.order_code, 50_000)):
        await process.store.append_events([fact])
    return await last_conflict(url)


async def last_conflict(url: str) -> UUID:
    return UUID(str((await query(url, CONFLICTS))[-1][0]))


async def under_review(process: Process, url: str, topup: Topup) -> bool:
    """As its frames, its wallet and the auditors see it."""
    assert await query(url, DIFFERENCES) == []
    update = await process.store.topup_update(topup.user_id, topup.tx_ref)
    in_wallet = await process.store.under_review([topup.tx_ref])
    assert in_wallet == ({topup.tx_ref} if update.under_review else set())
    return update.under_review


async def test_a_transfer_that_is_held_is_under_review(
    process: Process, database_url: str, topup: Topup
) -> None:
    await process.store.append_events([nameless(topup)])
    assert not await under_review(process, database_url, topup)
    await process.store.append_events([transfer(topup.order_code, 50_000)])
    assert await under_review(process, database_url, topup)


@pytest.mark.parametrize(
    "later",
    [
        lambda topup: linked(topup.tx_ref),
        lambda topup: about(topup.tx_ref, EventType.TOPUP_CANCELLED),
        lambda topup: about(topup.tx_ref, EventType.TOPUP_EXPIRED),
        lambda topup: failure(topup.order_code, 50_000),
    ],
)
async def test_what_happens_later_does_not_hide_it(
    process: Process, database_url: str, topup: Topup, later: Callable[[Topup], Fact]
) -> None:
    await hold(process, database_url, topup)
    await process.store.append_events([later(topup)])
    assert await under_review(process, database_url, topup)


async def test_it_ends_when_the_money_turns_out_to_be_for_another_topup(
    process: Process, database_url: str, topup: Topup
) -> None:
    conflict = await hold(process, database_url, topup)
    other = await process.topup(50_000)
    assert await query(database_url, ASSIGN, conflict, other.tx_ref) == [("applied",)]
    assert not await under_review(process, database_url, topup)


async def test_it_ends_when_the_money_is_accepted(
    process: Process, database_url: str, topup: Topup
) -> None:
    conflict = await hold(process, database_url, topup)
    await query(database_url, ASSIGN, conflict, topup.tx_ref)
    assert not await under_review(process, database_url, topup)


async def test_it_goes_on_while_another_transfer_waits(
    process: Process, database_url: str, topup: Topup
) -> None:
    first = await hold(process, database_url, topup)
    await process.store.append_events([transfer(topup.order_code, 50_000)])
    second = await last_conflict(database_url)
    other = await process.topup(50_000)
    for conflict, goes_on in ((first, True), (second, False)):
        await query(database_url, ASSIGN, conflict, other.tx_ref)
        assert await under_review(process, database_url, topup) is goes_on


async def test_of_a_transfer_that_is_told_in_two_ways_one_decision_is_enough(
    process: Process, database_url: str, topup: Topup
) -> None:
    await process.store.append_events([nameless(topup)])
    for amount in (50_000, 60_000):
        await process.store.append_events([transfer(topup.order_code, amount, "FT in two ways")])
    assert len(await query(database_url, CONFLICTS)) == 2
    assert await under_review(process, database_url, topup)
    other = await process.topup(60_000)
    await query(database_url, ASSIGN, await last_conflict(database_url), other.tx_ref)
    assert not await under_review(process, database_url, topup)


async def test_a_transfer_told_with_another_order_is_under_review_until_it_is_assigned(
    process: Process, database_url: str, topup: Topup
) -> None:
    for order_code in (UNKNOWN_ORDER, topup.order_code):
        await process.store.append_events([transfer(order_code, 50_000, "FT of two orders")])
    assert await under_review(process, database_url, topup)
    other = await process.topup(50_000)
    await query(database_url, ASSIGN, await last_conflict(database_url), other.tx_ref)
    assert not await under_review(process, database_url, topup)


async def test_what_was_recorded_meanwhile_or_is_no_money_waits_for_nobody(
    process: Process, database_url: str, topup: Topup
) -> None:
    stray = transfer(UNKNOWN_ORDER, 50_000)
    await process.store.append_events([stray])
    for code, held in (("00", str(stray.event_id)), ("01", None)):
        await query(database_url, HOLD, code, held, topup.tx_ref)
        assert not await under_review(process, database_url, topup)
    await query(database_url, HOLD, "00", None, topup.tx_ref)
    assert await under_review(process, database_url, topup)


async def test_a_frame_of_the_past_does_not_know_of_it_yet(
    process: Process, database_url: str, topup: Topup
) -> None:
    await process.store.append_events([linked(topup.tx_ref)])
    await hold(process, database_url, topup)
    await process.store.append_events([about(topup.tx_ref, EventType.TOPUP_EXPIRED)])
    updates = await process.store.read_updates({topup.tx_ref: 0})
    assert [update.under_review for update in updates] == [False, False, True, True]
