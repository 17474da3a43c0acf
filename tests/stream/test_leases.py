"""The leases of streams in a real database, of one worker and between two."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.admission import StreamVerdict
from app.errors import DatabaseUnavailable
from app.metrics.labels import StreamClose
from app.stream.leases import OPENINGS_PER_STATEMENT_MAX
from tests.payments import grow_impatient, query
from tests.stream.conftest import PATIENCE_SECONDS, Eventually
from tests.stream.leasing import (
    Worker,
    holding_up,
    leased,
    until,
    waiting_for_a_lock,
    working,
)
from tests.stream.relay import Relay

ONE, OTHER = 1, 2
CROWD = OPENINGS_PER_STATEMENT_MAX + 44
ROOM: dict[str, Any] = {"streams_per_user_max": 1_000}
IMPATIENT_SECONDS = 0.3  # who is refused waits as long


@pytest.fixture
async def worker(database_url: str) -> AsyncIterator[Worker]:
    async with working(database_url, ONE, **ROOM) as worker:
        yield worker


async def test_openings_that_arrive_together_share_a_statement(
    worker: Worker, database_url: str
) -> None:
    login = await worker.login()
    async with holding_up(database_url, login.user_id):
        first = asyncio.create_task(worker.opened(login))
        await until(lambda: waiting_for_a_lock(database_url), 1)
        crowd = [asyncio.create_task(worker.opened(login)) for _ in range(CROWD)]
        await asyncio.sleep(0)
    await asyncio.gather(first, *crowd)
    assert (worker.openings, worker.statements) == (1 + CROWD, 3)
    assert len(worker.leases) == 1 + CROWD
    assert len(await leased(database_url)) == 1 + CROWD


async def test_each_of_a_crowd_gets_the_answer_that_it_asked_for(worker: Worker) -> None:
    one, other = await worker.login(), await worker.login()
    gone = await worker.login()
    await worker.logout(gone)
    await worker.opened(one)  # what follows waits for nothing and still comes together
    asked = {
        StreamVerdict.OPEN: worker.holder(one),
        StreamVerdict.NOT_LOGGED_IN: worker.holder(gone),
        StreamVerdict.NOT_FOUND: worker.holder(
            type(one)(one.user_id, one.session_hash, other.tx_ref)
        ),
    }
    verdicts = await asyncio.gather(*(worker.leases.open(holder) for holder in asked.values()))
    assert verdicts == list(asked)
    assert [holder.user_id for holder in asked.values()] == [one.user_id, None, None]


async def test_who_leaves_before_the_question_is_asked_leaves_no_lease(
    worker: Worker, database_url: str
) -> None:
    login = await worker.login()
    holder = worker.holder(login)
    opening = asyncio.create_task(worker.leases.open(holder))
    await asyncio.sleep(0)
    opening.cancel()
    worker.leases.close(holder)
    stays = await worker.opened(login)
    assert worker.openings == 1
    assert await leased(database_url) == [(ONE, stays.request.stream_id, None)]


async def test_who_is_given_up_does_not_wait_for_ever(worker: Worker) -> None:
    holder = worker.holder(await worker.login())
    opening = asyncio.create_task(worker.leases.open(holder))
    await asyncio.sleep(0)
    worker.leases.close(holder)
    await asyncio.wait({opening})
    assert opening.cancelled()


@pytest.mark.parametrize("closed_at_once", [True, False])
async def test_who_leaves_while_the_question_is_asked_leaves_no_lease(
    worker: Worker, database_url: str, closed_at_once: bool
) -> None:
    login = await worker.login()
    holder = worker.holder(login)
    async with holding_up(database_url, login.user_id):
        opening = asyncio.create_task(worker.leases.open(holder))
        await until(lambda: waiting_for_a_lock(database_url), 1)
        opening.cancel()
        if closed_at_once:
            worker.leases.close(holder)
    stays = await worker.opened(login)
    worker.leases.close(holder)
    await until(lambda: leased(database_url), [(ONE, stays.request.stream_id, None)])
    assert len(worker.leases) == 1
    assert holder.user_id is None


async def test_who_leaves_after_the_answer_gives_the_lease_back(
    worker: Worker, database_url: str
) -> None:
    login = await worker.login()
    leaves, stays = await worker.opened(login), await worker.opened(login)
    worker.leases.close(leaves)
    worker.leases.close(leaves)
    await until(lambda: leased(database_url), [(ONE, stays.request.stream_id, None)])
    assert len(worker.leases) == 1


async def test_a_hundred_that_leave_at_any_moment_leave_no_lease(
    worker: Worker, database_url: str
) -> None:
    login = await worker.login()

    async def visit(turns: int) -> None:
        holder = worker.holder(login)
        opening = asyncio.create_task(worker.leases.open(holder))
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        opening.cancel()
        worker.leases.close(holder)

    await asyncio.gather(*(visit(turns) for turns in range(100)))
    await until(lambda: leased(database_url), [])
    assert len(worker.leases) == 0


async def test_while_the_database_is_away_who_waits_is_refused_and_later_ones_are_let_in(
    database_url: str,
) -> None:
    async with (
        Relay(database_url) as relay,
        working(relay.url, ONE, database_url, **ROOM) as worker,
    ):
        login = await worker.login()
        before = await worker.opened(login)
        grow_impatient(worker.process.database, IMPATIENT_SECONDS)
        relay.refusing = True
        relay.cut()
        for _ in range(2):
            refused = await asyncio.gather(
                *(worker.leases.open(worker.holder(login)) for _ in range(20)),
                return_exceptions=True,
            )
            assert {type(error) for error in refused} == {DatabaseUnavailable}
        worker.leases.close(before)
        relay.refusing = False
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    after = await worker.opened(login)
                    break
                except DatabaseUnavailable:
                    pass
        await until(lambda: leased(database_url), [(ONE, after.request.stream_id, None)])


async def test_leases_that_were_granted_to_somebody_who_did_not_hear_of_it_are_given_back(
    database_url: str,
) -> None:
    """The answer is lost, the browser was refused: nobody would ever close that stream."""
    async with (
        Relay(database_url) as relay,
        working(relay.url, ONE, database_url, **ROOM) as worker,
    ):
        login = await worker.login()
        async with holding_up(database_url, login.user_id):
            opening = asyncio.create_task(worker.leases.open(worker.holder(login)))
            await until(lambda: waiting_for_a_lock(database_url), 1)
            grow_impatient(worker.process.database, IMPATIENT_SECONDS)
            relay.forget()
            relay.refusing = True
        await until(lambda: leased(database_url), [(ONE, 1, None)])
        relay.cut()
        with pytest.raises(DatabaseUnavailable):
            await opening
        relay.refusing = False
        await until(lambda: leased(database_url), [])


async def test_a_stream_that_is_superseded_by_another_worker_hears_of_it(
    database_url: str, eventually: Eventually
) -> None:
    changes: dict[str, Any] = {"streams_per_user_max": 2, "stream_spare_seconds": 0.01}
    async with (
        working(database_url, ONE, **changes) as one,
        working(database_url, OTHER, **changes) as other,
    ):
        login = await one.login()
        oldest = await one.opened(login)
        old = await one.opened(login)
        await asyncio.sleep(0.02)  # younger ones would not have to make room
        new = await other.opened(login)
        await eventually(lambda: oldest.ends == [StreamClose.SUPERSEDED])
        assert (old.ends, new.ends) == ([], [])
        assert len(one.leases) == 1
        one.leases.close(oldest)
        expected = [(ONE, old.request.stream_id, None), (OTHER, new.request.stream_id, None)]
        await until(lambda: leased(database_url), expected)


async def test_while_all_are_too_young_the_newest_gets_none(
    database_url: str,
) -> None:
    changes: dict[str, Any] = {"streams_per_user_max": 2, "stream_spare_seconds": 60.0}
    async with (
        working(database_url, ONE, **changes) as one,
        working(database_url, OTHER, **changes) as other,
    ):
        login = await one.login()
        young = [await one.opened(login), await one.opened(login)]
        holder = other.holder(login)
        assert await other.leases.open(holder) is StreamVerdict.TOO_MANY
        assert holder.user_id is None
        assert [stream.ends for stream in young] == [[], []]
        assert [worker_id for worker_id, _, _ in await leased(database_url)] == [ONE, ONE]


async def test_a_logout_at_another_worker_ends_the_streams_of_that_login_and_no_others(
    database_url: str, eventually: Eventually
) -> None:
    async with (
        working(database_url, ONE, **ROOM) as one,
        working(database_url, OTHER, **ROOM) as other,
    ):
        login, stranger = await one.login(), await one.login()
        second_login = await one.login(like=login)
        ended = [await worker.opened(login) for worker in (one, one, other)]
        spared = [await worker.opened(who) for worker in (one, other)
                  for who in (second_login, stranger)]  # fmt: skip
        await other.logout(login)
        async with asyncio.timeout(10):  # a look at all logins comes much later
            await eventually(lambda: all(s.ends == [StreamClose.LOGIN_ENDED] for s in ended))
        assert [stream.ends for stream in spared] == [[]] * 4
        assert (len(one.leases), len(other.leases)) == (2, 2)


async def test_an_end_that_was_told_while_the_listener_was_away_is_heard_when_it_is_back(
    database_url: str, eventually: Eventually
) -> None:
    """Its notification is lost; and the next look at all logins may be long in coming."""
    async with (
        Relay(database_url) as relay,
        working(database_url, ONE, relay.url, **ROOM) as worker,
    ):
        login = await worker.login()
        holder = await worker.opened(login)
        relay.refusing = True
        relay.cut()
        await worker.logout(login)
        relay.refusing = False
        await eventually(lambda: holder.ends == [StreamClose.LOGIN_ENDED])


async def test_a_login_that_ended_while_the_table_was_lost_ends_its_streams(
    database_url: str, eventually: Eventually
) -> None:
    async with (
        Relay(database_url) as relay,
        working(database_url, ONE, relay.url, **ROOM) as worker,
    ):
        login, stranger = await worker.login(), await worker.login()
        holder, spared = await worker.opened(login), await worker.opened(stranger)
        await query(database_url, "DELETE FROM topup.stream_leases RETURNING 1")
        await worker.logout(login)
        relay.cut()
        await eventually(lambda: holder.ends == [StreamClose.LOGIN_ENDED])
        assert spared.ends == []


async def test_after_a_reconnect_lost_leases_are_written_down_and_stray_ones_removed(
    database_url: str,
) -> None:
    async with (
        Relay(database_url) as relay,
        working(database_url, ONE, relay.url, **ROOM) as worker,
        working(database_url, OTHER, **ROOM) as other,
    ):
        login = await worker.login()
        held = [await worker.opened(login) for _ in range(3)]
        await query(database_url, "DELETE FROM topup.stream_leases RETURNING 1")
        await other.opened(login)
        await query(
            database_url,
            """INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref)
            VALUES (1, 999, 1, '', '') RETURNING 1""",
        )
        relay.cut()
        expected = [(ONE, holder.request.stream_id, None) for holder in held] + [(OTHER, 1, None)]
        await until(lambda: leased(database_url), expected)


async def test_a_login_that_was_ended_with_sql_alone_is_found_at_the_next_check(
    database_url: str, eventually: Eventually
) -> None:
    async with working(database_url, ONE, check_seconds=0.1, **ROOM) as worker:
        login, stranger = await worker.login(), await worker.login()
        holder, spared = await worker.opened(login), await worker.opened(stranger)
        await query(
            database_url,
            "UPDATE topup.sessions SET revoked_at = now() WHERE session_hash = %s RETURNING 1",
            login.session_hash,
        )
        await eventually(lambda: holder.ends == [StreamClose.LOGIN_ENDED])
        assert spared.ends == []


async def test_a_lease_that_was_lost_unnoticed_is_written_down_at_the_next_check(
    database_url: str,
) -> None:
    """Its worker was taken for dead while it came back, or somebody cleared the table."""
    async with working(database_url, ONE, check_seconds=0.1, **ROOM) as worker:
        holder = await worker.opened(await worker.login())
        await query(database_url, "DELETE FROM topup.stream_leases RETURNING 1")
        await until(lambda: leased(database_url), [(ONE, holder.request.stream_id, None)])


async def test_an_end_whose_first_telling_was_lost_is_told_again(
    database_url: str, eventually: Eventually
) -> None:
    """The connection dies after the statement has been done and before its answer is here."""
    async with (
        Relay(database_url) as relay,
        working(relay.url, ONE, database_url, **ROOM) as worker,
        working(database_url, OTHER, **ROOM) as other,
    ):
        login = await worker.login()
        holder = await worker.opened(login)
        relay.forget_answers()
        await other.logout(login)
        await eventually(lambda: relay.swallowed > 0)
        relay.cut()
        await eventually(lambda: holder.ends == [StreamClose.LOGIN_ENDED])


async def test_stopping_gives_everything_back(database_url: str) -> None:
    async with working(database_url, OTHER, **ROOM) as other:
        stays = await other.opened(login := await other.login())
        async with working(database_url, ONE, **ROOM) as worker:
            held = [await worker.opened(login) for _ in range(3)]
            worker.leases.close(held[0])
        assert await leased(database_url) == [(OTHER, stays.request.stream_id, None)]


async def test_who_still_waits_at_the_stop_is_refused(database_url: str) -> None:
    async with working(database_url, ONE, **ROOM) as worker:
        login = await worker.login()
        async with holding_up(database_url, login.user_id):
            opening = asyncio.create_task(worker.leases.open(worker.holder(login)))
            await until(lambda: waiting_for_a_lock(database_url), 1)
            await worker.leases.stop()
            with pytest.raises(DatabaseUnavailable):
                await opening
            with pytest.raises(DatabaseUnavailable):
                await asyncio.wait_for(worker.leases.open(worker.holder(login)), 10)


async def test_a_logout_that_races_an_opening_ends_it_or_is_seen_by_it(
    worker: Worker, database_url: str, eventually: Eventually
) -> None:
    """The opening has judged the login, and waits; the logout sees no lease yet."""
    login = await worker.login()
    holder = worker.holder(login)
    async with holding_up(database_url, login.user_id):
        opening = asyncio.create_task(worker.leases.open(holder))
        await until(lambda: waiting_for_a_lock(database_url), 1)
        leaving = asyncio.create_task(worker.logout(login))
        await asyncio.wait({leaving}, timeout=0.2)
    await leaving
    if await opening is StreamVerdict.OPEN:
        await eventually(lambda: holder.ends == [StreamClose.LOGIN_ENDED])
    else:
        assert opening.result() is StreamVerdict.NOT_LOGGED_IN
