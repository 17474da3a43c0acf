"""next_check: half a minute, two minutes, ten minutes, every hour; at the end, and two days on."""

from itertools import pairwise

import pytest

from tests.payments import query

SCHEDULE = [30, 120, 600, 3600]
EXPIRY = 900
MARGIN = 5
HOURS_48 = 48 * 3600


async def asked_at(url: str, status: str, now: float, schedule: list[float]) -> float | None:
    """In seconds after the opening."""
    [(seconds,)] = await query(
        url,
        """
        SELECT extract(
            epoch FROM topup.next_check(t, o.at + %s * interval '1 s', %s) - o.at
        )::float8
        FROM (SELECT '2026-01-02 03:04:05+00'::timestamptz AS at) AS o
        CROSS JOIN LATERAL jsonb_populate_record(NULL::topup.topups, jsonb_build_object(
            'status', %s::text, 'opened_at', o.at, 'expires_at', o.at + %s * interval '1 s'
        )) AS t
        """,
        now,
        schedule,
        status,
        EXPIRY,
    )
    return None if seconds is None else float(seconds)


async def steps(url: str, status: str, count: int = 200) -> list[float]:
    """Every question, if each is asked in time."""
    found: list[float] = []
    now: float | None = 0.0
    while now is not None and len(found) < count:
        now = await asked_at(url, status, now, list(SCHEDULE))
        if now is not None:
            found.append(now)
    return found


@pytest.mark.parametrize("status", ["pending", "underpaid", "cancelled", "expired", "failed"])
async def test_what_is_not_confirmed_is_asked_about_to_two_days_after_its_time(
    database_url: str, status: str
) -> None:
    found = await steps(database_url, status)
    assert found[:5] == [30, 120, 600, EXPIRY + MARGIN, EXPIRY + MARGIN + 3600]
    assert {after - before for before, after in pairwise(found[4:-1])} == {3600}
    assert 0 < found[-1] - found[-2] <= 3600
    assert found[-1] == EXPIRY + HOURS_48


async def test_what_is_confirmed_is_asked_about_after_its_time_and_two_days_on(
    database_url: str,
) -> None:
    assert await steps(database_url, "confirmed") == [EXPIRY + MARGIN, EXPIRY + HOURS_48]


async def test_a_question_that_came_late_does_not_bring_the_missed_ones(database_url: str) -> None:
    assert await asked_at(database_url, "pending", 700, list(SCHEDULE)) == EXPIRY + MARGIN
    assert await asked_at(database_url, "pending", 86_400, list(SCHEDULE)) == 86_400 + 3600


async def test_a_schedule_of_one_step_repeats_it(database_url: str) -> None:
    assert await asked_at(database_url, "pending", 0, [10]) == 10
    assert await asked_at(database_url, "pending", 10, [10]) == 20
