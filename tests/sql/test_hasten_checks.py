"""hasten_checks: who called a payment off at PayOS need not wait to see it here."""

import pytest

from app.model import Topup
from tests.payments import Process, connected, query, transfer
from tests.sql.checks import claim, due_in_seconds, finish, make_due


@pytest.fixture
async def topup(process: Process) -> Topup:
    """Opened just now; the next question is in half a minute."""
    return await process.topup()


async def hasten(url: str, topup: Topup) -> None:
    async with connected(url, "topup_app") as connection:
        await connection.execute("SELECT topup.hasten_checks(%s)", ([topup.tx_ref],))


async def is_due(url: str, topup: Topup) -> bool:
    due = "SELECT next_at <= clock_timestamp() FROM topup.payos_checks WHERE tx_ref = %s"
    [(is_due,)] = await query(url, due, topup.tx_ref)
    return bool(is_due)


async def test_it_is_time_to_ask_also_just_after_the_opening(
    database_url: str, topup: Topup
) -> None:
    assert not await is_due(database_url, topup)
    await hasten(database_url, topup)
    assert await is_due(database_url, topup)


async def test_who_was_nudged_a_moment_ago_is_hastened_all_the_same(
    database_url: str, topup: Topup
) -> None:
    nudged = "UPDATE topup.payos_checks SET nudged_at = clock_timestamp() RETURNING 1"
    await query(database_url, nudged)
    await hasten(database_url, topup)
    assert await is_due(database_url, topup)


async def test_coming_back_again_within_half_a_minute_does_nothing(
    database_url: str, topup: Topup
) -> None:
    await hasten(database_url, topup)
    later = "UPDATE topup.payos_checks SET next_at = next_at + interval '1 h' RETURNING 1"
    await query(database_url, later)
    await hasten(database_url, topup)
    assert not await is_due(database_url, topup)
    earlier = "UPDATE topup.payos_checks SET hastened_at = hastened_at - interval '31 s'"
    await query(database_url, earlier + " RETURNING 1")
    await hasten(database_url, topup)
    assert await is_due(database_url, topup)


async def test_it_makes_nothing_later(database_url: str, topup: Topup) -> None:
    await make_due(database_url, topup)
    before = await due_in_seconds(database_url, topup.tx_ref)
    await hasten(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == before


async def test_what_is_confirmed_needs_no_question(
    database_url: str, process: Process, topup: Topup
) -> None:
    await process.store.append_events([transfer(topup.order_code, topup.amount)])
    await hasten(database_url, topup)
    assert not await is_due(database_url, topup)


async def test_the_answer_to_an_earlier_question_does_not_do(
    database_url: str, topup: Topup
) -> None:
    await make_due(database_url, topup)
    assert await claim(database_url) == {topup.tx_ref}
    await hasten(database_url, topup)
    assert await claim(database_url) == set()
    await finish(database_url, topup)
    assert await claim(database_url) == {topup.tx_ref}


async def test_it_waits_for_nobody(database_url: str, topup: Topup) -> None:
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.payos_checks FOR UPDATE")
        await hasten(database_url, topup)
