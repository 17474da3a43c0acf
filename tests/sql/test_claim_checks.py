"""claim_checks, and with it schedule_check and finish_check: who asks PayOS, about what, when."""

import asyncio

import pytest

from app.database.openings import Openings
from app.database.reconciliation import Checks
from app.model import EventType, Outcome, Topup
from app.settings import Settings
from tests.payments import (
    CLAIM_SECONDS,
    Process,
    about,
    connected,
    open_process,
    query,
    transfer,
)
from tests.sql.checks import AT_ONCE, claim, due_in_seconds, finish, make_due
from tests.sql.streams import Payer, Worker, come

TWO_DAYS = 2 * 86_400
SLOW = 10  # what an answer puts off counts from that answer, and this test takes its time


@pytest.fixture
async def topup(process: Process) -> Topup:
    return await process.topup()


async def expired_ago(process: Process, seconds: int) -> Topup:
    """One whose time to pay was over `seconds` before it was opened."""
    expiry = {"topup_expiry_seconds": -seconds}
    settings = Settings.load().model_copy(update=expiry)
    openings = Openings(process.database, settings, CLAIM_SECONDS)
    return (await openings.open(await process.user(), 50_000, None)).topup


async def confirm(process: Process, topup: Topup) -> None:
    """Found by asking."""
    found = transfer(topup.order_code, topup.amount, source="payos.get", listed=[])
    await process.store.append_events([found])


async def hold(process: Process, topup: Topup, reference: str) -> None:
    """The same may be told by a webhook."""
    told = transfer(topup.order_code, topup.amount, reference)
    [answer] = await process.store.append_events([told])
    assert answer.outcome is Outcome.CONFLICT


async def test_a_topup_is_asked_about_half_a_minute_after_its_opening(
    database_url: str, topup: Topup
) -> None:
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(30, abs=1)
    assert await claim(database_url) == set()


async def test_the_first_question_comes_when_the_setting_says(database_url: str) -> None:
    async with open_process(database_url, reconcile_schedule_seconds="20,70,100") as process:
        topup = await process.topup()
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(20, abs=1)


async def test_what_is_due_is_given_to_one_process(database_url: str, topup: Topup) -> None:
    await make_due(database_url, topup)
    assert await claim(database_url) == {topup.tx_ref}
    assert await claim(database_url) == set()


async def test_many_processes_at_once_get_each_topup_once(
    database_url: str, process: Process
) -> None:
    topups = [await process.topup() for _ in range(12)]
    await make_due(database_url, *topups)
    answers = await asyncio.gather(*(claim(database_url, at_once=12) for _ in range(8)))
    given = [tx_ref for answer in answers for tx_ref in answer]
    assert sorted(given) == sorted(topup.tx_ref for topup in topups)


async def test_nothing_is_given_while_another_process_takes(
    database_url: str, topup: Topup
) -> None:
    await make_due(database_url, topup)
    async with connected(database_url, "topup_app") as other, other.transaction():
        await other.execute("SELECT topup.claim_checks(4, 60)")
        assert await claim(database_url) == set()


async def test_no_more_are_asked_about_at_once_than_allowed_whoever_asks(
    database_url: str, process: Process
) -> None:
    topups = [await process.topup() for _ in range(AT_ONCE + 2)]
    await make_due(database_url, *topups)
    first = await claim(database_url)
    assert first == {topup.tx_ref for topup in topups[:AT_ONCE]}, "the longest overdue"
    assert await claim(database_url) == set()
    await finish(database_url, topups[0])
    assert await claim(database_url) == {topups[AT_ONCE].tx_ref}


async def test_who_waits_comes_before_what_was_abandoned_or_called_off(
    database_url: str, process: Process
) -> None:
    abandoned = [await expired_ago(process, 3_600) for _ in range(3)]
    called_off, confirmed = await process.topup(), await process.topup()
    await process.store.append_events([about(called_off.tx_ref, EventType.TOPUP_CANCELLED)])
    await confirm(process, confirmed)
    for topup in (called_off, confirmed):
        await make_due(database_url, topup)
        await claim(database_url)
        await finish(database_url, topup)
    waited_for, in_doubt = await process.topup(), await process.topup()
    await confirm(process, in_doubt)
    await hold(process, in_doubt, "W")
    await make_due(database_url, *abandoned, called_off, confirmed, waited_for, in_doubt)
    assert await claim(database_url, at_once=2) == {waited_for.tx_ref, in_doubt.tx_ref}
    assert await claim(database_url, at_once=6) == {
        topup.tx_ref for topup in (*abandoned, called_off)
    }


async def test_who_waits_is_found_behind_any_number_of_abandoned_ones(
    database_url: str, topup: Topup
) -> None:
    await make_due(database_url, topup)
    await query(
        database_url,
        """
        INSERT INTO topup.payos_checks (tx_ref, next_at)
        SELECT 'T' || lpad(n::text, 8, '0'), now() - interval '2 h'
        FROM generate_series(1, 1000) AS n RETURNING 1
        """,
    )
    assert await claim(database_url, at_once=1) == {topup.tx_ref}


@pytest.mark.breaks_the_laws
async def test_the_question_that_ends_a_topup_is_urgent_until_it_is_answered(
    database_url: str, process: Process, topup: Topup
) -> None:
    abandoned = await expired_ago(process, 3_600)
    over = "UPDATE topup.payos_checks SET next_at = %s WHERE tx_ref = %s RETURNING 1"
    await query(database_url, over, topup.expires_at, topup.tx_ref)
    for answered in (False, True):
        await make_due(database_url, abandoned, topup)
        assert await claim(database_url, at_once=1) == {topup.tx_ref}
        ended = "UPDATE topup.topups SET expires_at = opened_at - interval '6 s' RETURNING 1"
        await query(database_url, ended)
        await finish(database_url, topup, answered)
    await make_due(database_url, abandoned, topup)
    assert await claim(database_url, at_once=1) == {abandoned.tx_ref}


async def test_what_a_dead_process_asked_about_is_given_to_another_after_the_lease(
    database_url: str, topup: Topup
) -> None:
    await make_due(database_url, topup)
    assert await claim(database_url, lease_seconds=0.05) == {topup.tx_ref}
    await query(database_url, "SELECT pg_sleep(0.06)")
    assert await claim(database_url) == {topup.tx_ref}


async def test_a_row_that_somebody_holds_is_passed_over(
    database_url: str, process: Process
) -> None:
    held, free = await process.topup(), await process.topup()
    await make_due(database_url, held, free)
    async with connected(database_url) as other, other.transaction():
        await other.execute(
            "SELECT FROM topup.payos_checks WHERE tx_ref = %s FOR UPDATE", (held.tx_ref,)
        )
        assert await claim(database_url) == {free.tx_ref}


async def test_what_was_confirmed_meanwhile_waits_for_one_question_after_its_time(
    database_url: str, process: Process, topup: Topup
) -> None:
    await confirm(process, topup)
    await make_due(database_url, topup)
    assert await claim(database_url) == set()
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(905, abs=1)


async def test_after_an_answer_the_next_step_of_the_schedule_follows(
    database_url: str, topup: Topup
) -> None:
    await make_due(database_url, topup)
    await claim(database_url)
    await finish(database_url, topup)
    # 30 s after the opening is still ahead: this test takes no such time.
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(30, abs=1)
    assert await query(
        database_url, "SELECT asked, claimed_until, doubtful FROM topup.payos_checks"
    ) == [(0, None, False)]


@pytest.mark.parametrize(("seconds", "last"), [(60, False), (TWO_DAYS + 60, True)])
async def test_what_is_confirmed_and_out_of_time_is_asked_about_until_two_days_later(
    database_url: str, process: Process, seconds: int, last: bool
) -> None:
    topup = await expired_ago(process, seconds)
    await confirm(process, topup)
    await make_due(database_url, topup)
    assert await claim(database_url) == {topup.tx_ref}
    await finish(database_url, topup)
    due = await due_in_seconds(database_url, topup.tx_ref)
    assert due == (None if last else pytest.approx(TWO_DAYS - 60, abs=1))


async def test_without_an_answer_the_question_comes_again_soon_and_is_never_dropped(
    database_url: str, process: Process
) -> None:
    topup = await expired_ago(process, 3 * 86_400)
    assert await claim(database_url) == {topup.tx_ref}, "once, however late"
    await finish(database_url, topup, answered=False)
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(30, abs=SLOW)
    await make_due(database_url, topup)
    assert await claim(database_url) == {topup.tx_ref}
    await finish(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) is None


async def test_the_longer_there_is_no_answer_the_rarer_the_question(
    database_url: str, topup: Topup
) -> None:
    waits = []
    for _ in range(9):
        await make_due(database_url, topup)
        assert await claim(database_url) == {topup.tx_ref}
        await finish(database_url, topup, answered=False)
        waits.append(await due_in_seconds(database_url, topup.tx_ref))
    assert waits == pytest.approx([30, 60, 120, 240, 480, 960, 1920, 3600, 3600], abs=SLOW)


async def test_answers_do_not_make_the_question_after_them_rarer(
    database_url: str, topup: Topup
) -> None:
    for answered in (True, True, True, True, False):
        await make_due(database_url, topup)
        assert await claim(database_url) == {topup.tx_ref}
        await finish(database_url, topup, answered)
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(30, abs=SLOW)


@pytest.fixture
async def in_doubt(process: Process, database_url: str) -> Topup:
    """Confirmed, out of time, and a transfer is held; it is being asked about."""
    topup = await expired_ago(process, TWO_DAYS + 60)
    await confirm(process, topup)
    await hold(process, topup, "W")
    assert await claim(database_url) == {topup.tx_ref}
    return topup


async def test_a_doubt_that_comes_while_it_is_asked_is_asked_about_next(
    database_url: str, process: Process, in_doubt: Topup
) -> None:
    await hold(process, in_doubt, "V")
    assert await claim(database_url) == set()
    await finish(database_url, in_doubt)
    assert await claim(database_url) == {in_doubt.tx_ref}
    await finish(database_url, in_doubt)
    assert await due_in_seconds(database_url, in_doubt.tx_ref) is None


async def test_a_doubt_about_what_is_confirmed_in_time_outlives_the_question_before_it(
    database_url: str, process: Process, topup: Topup
) -> None:
    await make_due(database_url, topup)
    assert await claim(database_url) == {topup.tx_ref}
    await confirm(process, topup)
    await hold(process, topup, "W")
    await finish(database_url, topup)
    assert await claim(database_url) == {topup.tx_ref}
    await finish(database_url, topup)
    assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(905, abs=1)


@pytest.mark.parametrize("again", [False, True])
async def test_a_doubt_without_an_answer_stays(
    database_url: str, process: Process, in_doubt: Topup, again: bool
) -> None:
    if again:
        await hold(process, in_doubt, "V")
    await finish(database_url, in_doubt, answered=False)
    assert await query(database_url, "SELECT doubtful FROM topup.payos_checks") == [(True,)]
    assert await claim(database_url) == ({in_doubt.tx_ref} if again else set())


async def test_a_doubt_that_a_process_died_over_is_asked_about_after_its_lease(
    database_url: str, process: Process, topup: Topup
) -> None:
    await confirm(process, topup)
    await hold(process, topup, "W")
    assert await claim(database_url, lease_seconds=0.05) == {topup.tx_ref}
    await query(database_url, "SELECT pg_sleep(0.06)")
    assert await claim(database_url) == {topup.tx_ref}


async def test_the_due_are_found_by_an_index(database_url: str, process: Process) -> None:
    await query(
        database_url,
        """
        INSERT INTO topup.payos_checks (tx_ref, next_at)
        SELECT 'T' || lpad(n::text, 8, '0'), now() + n * interval '1 s'
        FROM generate_series(1, 20000) AS n RETURNING 1
        """,
    )
    async with connected(database_url) as connection:
        await connection.execute("ANALYZE topup.payos_checks")
    plan = await query(
        database_url,
        """
        EXPLAIN SELECT c.tx_ref FROM topup.payos_checks AS c
        WHERE c.next_at <= clock_timestamp() AND (c.claimed_until > now()) IS NOT TRUE
        ORDER BY c.next_at LIMIT 256 FOR UPDATE SKIP LOCKED
        """,
    )
    assert "payos_checks_next_at" in "\n".join(line for (line,) in plan)


@pytest.fixture
async def payer(database_url: str, process: Process) -> Payer:
    return await come(database_url, process)


async def ask(url: str, topup: Topup) -> float | None:
    """When the next question comes, after an answer."""
    await make_due(url, topup)
    assert await claim(url) == {topup.tx_ref}
    await finish(url, topup)
    return await due_in_seconds(url, topup.tx_ref)


async def open_stream(url: str, payer: Payer) -> None:
    async with connected(url, "topup_app") as connection:
        assert await Worker(connection, 1).open(payer.asks(1)) == {1: "open"}


async def pass_the_steps(url: str, topup: Topup) -> None:
    """As if it had been opened eleven minutes ago."""
    sql = "UPDATE topup.topups SET opened_at = opened_at - interval '11 min' WHERE tx_ref = %s"
    await query(url, sql + " RETURNING 1", topup.tx_ref)


@pytest.mark.breaks_the_laws
async def test_while_somebody_streams_it_a_topup_is_asked_about_every_90_seconds(
    database_url: str, process: Process, payer: Payer
) -> None:
    topup = payer.topup
    await pass_the_steps(database_url, topup)
    unwatched = await ask(database_url, topup)
    assert unwatched == pytest.approx(11 * 60 + 905, abs=2)
    await open_stream(database_url, payer)
    assert await ask(database_url, topup) == pytest.approx(11 * 60 + 90, abs=SLOW)
    await process.store.append_events([transfer(topup.order_code, 1_000)])
    assert await ask(database_url, topup) == pytest.approx(11 * 60 + 90, abs=SLOW)

    ended = "UPDATE topup.stream_leases SET ended = 'superseded' RETURNING 1"
    await query(database_url, ended)
    assert await ask(database_url, topup) == unwatched


async def test_what_somebody_streams_is_asked_about_however_long_there_is_no_answer(
    database_url: str, payer: Payer
) -> None:
    await open_stream(database_url, payer)
    for _ in range(6):
        await make_due(database_url, payer.topup)
        assert await claim(database_url) == {payer.topup.tx_ref}
        await finish(database_url, payer.topup, answered=False)
    assert await due_in_seconds(database_url, payer.topup.tx_ref) == pytest.approx(90, abs=SLOW)


@pytest.mark.breaks_the_laws
async def test_the_stream_of_another_topup_makes_no_question(
    database_url: str, process: Process, payer: Payer
) -> None:
    await open_stream(database_url, payer)
    other = await process.topup(user_id=payer.user_id)
    await pass_the_steps(database_url, other)
    assert await ask(database_url, other) == pytest.approx(11 * 60 + 905, abs=2)


@pytest.mark.parametrize("end", ["confirmed", "out of time"])
@pytest.mark.breaks_the_laws
async def test_what_can_be_paid_no_more_is_not_asked_about_more_often(
    database_url: str, process: Process, payer: Payer, end: str
) -> None:
    topup = payer.topup
    await open_stream(database_url, payer)
    if end == "confirmed":
        await make_due(database_url, topup)
        assert await claim(database_url) == {topup.tx_ref}
        await confirm(process, topup)
        await finish(database_url, topup)
        assert await due_in_seconds(database_url, topup.tx_ref) == pytest.approx(905, abs=2)
    else:
        earlier = "UPDATE topup.topups SET expires_at = opened_at - interval '6 s' RETURNING 1"
        await query(database_url, earlier)
        await pass_the_steps(database_url, topup)
        assert await ask(database_url, topup) == pytest.approx(11 * 60 + 3_600, abs=SLOW)


async def test_how_often_is_a_setting(database_url: str) -> None:
    async with open_process(database_url, reconcile_watched_seconds=7.0) as process:
        payer = await come(database_url, process)
        await open_stream(database_url, payer)
        await make_due(database_url, payer.topup)
        book = Checks(process.database, Settings.load())
        assert [order.tx_ref for order in await book.claim()] == [payer.topup.tx_ref]
        await book.finish(payer.topup.tx_ref, answered=True)
    assert await due_in_seconds(database_url, payer.topup.tx_ref) == pytest.approx(7, abs=SLOW)
