"""nudge_checks: a payer who is back and sees no money need not wait for the schedule."""

from typing import Any

import pytest

from app.model import Topup
from tests.payments import Process, connected, query, transfer
from tests.sql.checks import claim, due_in_seconds, make_due

WAIT_SECONDS = 10.0
SLOW = 9  # the nudge comes a while after the opening; one that did not wait would be ten sooner


@pytest.fixture
async def topup(process: Process, database_url: str) -> Topup:
    """Opened a minute ago; the next question is at two minutes."""
    topup = await process.topup()
    await query(
        database_url,
        """
        WITH unlocked AS (SELECT set_config('session_replication_role', 'replica', false)),
        shifted AS (
            UPDATE topup.events SET recorded_at = recorded_at - interval '60 s'
            FROM unlocked WHERE seq = 1 RETURNING recorded_at
        ),
        checks AS (UPDATE topup.payos_checks SET next_at = next_at + interval '30 s' FROM unlocked)
        UPDATE topup.topups SET
            opened_at = shifted.recorded_at, expires_at = expires_at - interval '60 s'
        FROM shifted RETURNING 1
        """,
    )
    return topup


async def nudge(url: str, *topups: Topup) -> None:
    tx_refs: list[Any] = [topup.tx_ref for topup in topups]
    await query(url, "SELECT topup.nudge_checks(%s, %s)", tx_refs, WAIT_SECONDS)


async def test_the_question_comes_in_ten_seconds(database_url: str, topup: Topup) -> None:
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(120, abs=1)
    await nudge(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(70, abs=SLOW)


async def test_a_nudge_makes_nothing_later(database_url: str, topup: Topup) -> None:
    await make_due(database_url, topup)
    before = await due_in_seconds(database_url, topup.tx_ref)
    await nudge(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == before


async def test_the_next_nudge_within_half_a_minute_does_nothing(
    database_url: str, topup: Topup
) -> None:
    await nudge(database_url, topup)
    later = "UPDATE topup.payos_checks SET next_at = next_at + interval '1 h' RETURNING 1"
    await query(database_url, later)
    before = await due_in_seconds(database_url, topup.tx_ref)
    await nudge(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == before
    await query(
        database_url,
        "UPDATE topup.payos_checks SET nudged_at = nudged_at - interval '31 s' RETURNING 1",
    )
    await nudge(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(70, abs=SLOW)


async def test_who_has_just_opened_it_is_not_back(database_url: str, process: Process) -> None:
    topup = await process.topup()
    await nudge(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(30, abs=1)


async def test_what_is_confirmed_needs_no_question(
    database_url: str, process: Process, topup: Topup
) -> None:
    await process.store.append_events([transfer(topup.order_code, topup.amount)])
    before = await due_in_seconds(database_url, topup.tx_ref)
    await nudge(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == before


async def test_what_is_being_asked_about_is_left_alone(database_url: str, topup: Topup) -> None:
    await make_due(database_url, topup)
    await claim(database_url)
    before = await due_in_seconds(database_url, topup.tx_ref)
    await nudge(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == before


async def test_a_nudge_waits_for_nobody(database_url: str, topup: Topup) -> None:
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.payos_checks FOR UPDATE")
        await nudge(database_url, topup)
