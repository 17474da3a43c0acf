"""limit_streams: the oldest make room, unless all are young; the dead count for nothing."""

from collections.abc import AsyncIterator

import pytest

from app.stream.channels import worker_channel
from tests.payments import query
from tests.sql.streams import SPARE_SECONDS, alive, heard, leases, listening

USER, OTHER_USER = 1, 2
HERE, THERE, ELSEWHERE, DEAD = 1, 2, 3, 4
LEASE = """
    INSERT INTO topup.stream_leases (worker_id, stream_id, user_id, session_hash, tx_ref, opened_at)
    VALUES (%s, %s, %s, '', '', clock_timestamp() - make_interval(secs => %s))
    RETURNING 1
"""
LIMIT = "SELECT topup.limit_streams(%s, %s, %s, %s, %s)"


@pytest.fixture(autouse=True)
async def workers(database_url: str) -> AsyncIterator[None]:
    """Two others live. That this one does not show it makes no difference."""
    async with alive(database_url, THERE), alive(database_url, ELSEWHERE):
        yield


async def lease(
    url: str, worker_id: int, stream_id: int, age_seconds: float, user_id: int = USER
) -> None:
    await query(url, LEASE, worker_id, stream_id, user_id, age_seconds)


async def limit(url: str, streams_max: int, *new: int, spare_seconds: int = SPARE_SECONDS) -> None:
    await query(url, LIMIT, USER, HERE, list(new), streams_max, spare_seconds)


async def test_within_the_limit_nothing_happens(database_url: str) -> None:
    await lease(database_url, THERE, 1, age_seconds=60)
    await lease(database_url, HERE, 2, age_seconds=0)
    await limit(database_url, 2, 2)
    assert await leases(database_url) == {(THERE, 1): None, (HERE, 2): None}


async def test_the_oldest_make_room_wherever_they_are(database_url: str) -> None:
    """By age, not by number."""
    await lease(database_url, THERE, 1, age_seconds=20)
    await lease(database_url, THERE, 2, age_seconds=40)
    await lease(database_url, ELSEWHERE, 1, age_seconds=30)
    await lease(database_url, HERE, 9, age_seconds=0)
    await limit(database_url, 2, 9)
    assert await leases(database_url) == {
        (THERE, 1): None,
        (THERE, 2): "superseded",
        (ELSEWHERE, 1): "superseded",
        (HERE, 9): None,
    }


async def test_while_all_are_young_the_newest_get_no_lease(database_url: str) -> None:
    await lease(database_url, THERE, 1, age_seconds=1)
    for new in (7, 8, 9):
        await lease(database_url, HERE, new, age_seconds=0)
    await limit(database_url, 2, 8, 9, 7, spare_seconds=60)
    assert await leases(database_url) == {(THERE, 1): None, (HERE, 7): None}


async def test_only_as_many_are_refused_as_could_not_be_made_room_for(database_url: str) -> None:
    await lease(database_url, THERE, 1, age_seconds=61)
    await lease(database_url, THERE, 2, age_seconds=1)
    for new in (7, 8):
        await lease(database_url, HERE, new, age_seconds=0)
    await limit(database_url, 2, 7, 8, spare_seconds=60)
    assert await leases(database_url) == {
        (THERE, 1): "superseded",
        (THERE, 2): None,
        (HERE, 7): None,
    }


async def test_what_was_ended_counts_no_more(database_url: str) -> None:
    """Its worker has not taken it yet."""
    await lease(database_url, THERE, 1, age_seconds=60)
    await lease(database_url, THERE, 2, age_seconds=30)
    await lease(database_url, HERE, 9, age_seconds=0)
    end = "UPDATE topup.stream_leases SET ended = 'login_ended' WHERE stream_id = 2 RETURNING 1"
    await query(database_url, end)
    await limit(database_url, 2, 9)
    assert await leases(database_url) == {
        (THERE, 1): None,
        (THERE, 2): "login_ended",
        (HERE, 9): None,
    }


async def test_streams_of_others_are_left_alone(database_url: str) -> None:
    await lease(database_url, THERE, 1, age_seconds=60, user_id=OTHER_USER)
    await lease(database_url, DEAD, 1, age_seconds=60, user_id=OTHER_USER)
    await lease(database_url, HERE, 2, age_seconds=0)
    await lease(database_url, HERE, 3, age_seconds=0)
    await limit(database_url, 1, 2, 3)
    assert await leases(database_url) == {(THERE, 1): None, (DEAD, 1): None, (HERE, 2): None}


async def test_what_dead_workers_left_is_forgotten_before_anybody_makes_room(
    database_url: str,
) -> None:
    await lease(database_url, DEAD, 1, age_seconds=50)
    await lease(database_url, DEAD, 2, age_seconds=0)
    await lease(database_url, THERE, 1, age_seconds=60)
    await lease(database_url, HERE, 9, age_seconds=0)
    await limit(database_url, 2, 9)
    assert await leases(database_url) == {(THERE, 1): None, (HERE, 9): None}


async def test_each_worker_that_has_to_end_one_is_notified_without_data(
    database_url: str,
) -> None:
    await lease(database_url, THERE, 1, age_seconds=60)
    await lease(database_url, THERE, 2, age_seconds=60)
    await lease(database_url, ELSEWHERE, 1, age_seconds=30)
    await lease(database_url, HERE, 1, age_seconds=40)
    await lease(database_url, HERE, 9, age_seconds=0)
    async with listening(database_url, HERE, THERE, ELSEWHERE) as listener:
        await limit(database_url, 2, 9)
        assert await heard(listener) == [(worker_channel(HERE), ""), (worker_channel(THERE), "")]


async def test_a_refusal_notifies_nobody(database_url: str) -> None:
    await lease(database_url, THERE, 1, age_seconds=0)
    await lease(database_url, HERE, 9, age_seconds=0)
    async with listening(database_url, HERE, THERE) as listener:
        await limit(database_url, 1, 9)
        assert await heard(listener) == []
    assert await leases(database_url) == {(THERE, 1): None}
