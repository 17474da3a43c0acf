"""session_is_open: the one rule for requests and for open streams."""

import pytest

from tests.payments import query

IS_OPEN = """
    SELECT topup.session_is_open(
        ROW(
            ''::bytea, 1, now() - interval '1 hour',
            clock_timestamp() - make_interval(secs => %s),
            clock_timestamp() + make_interval(secs => %s),
            CASE WHEN %s THEN clock_timestamp() END
        )::topup.sessions,
        60
    )
"""


@pytest.mark.parametrize(
    ("silent_seconds", "seconds_left", "revoked", "is_open"),
    [
        (0, 100, False, True),
        (50, 100, False, True),
        (61, 100, False, False),
        (0, 0, False, False),
        (0, 100, True, False),
        (0, -1, False, False),
    ],
)
async def test_a_login_is_open_until_it_is_silent_old_or_revoked(
    database_url: str, silent_seconds: float, seconds_left: float, revoked: bool, is_open: bool
) -> None:
    values = (silent_seconds, seconds_left, revoked)
    assert await query(database_url, IS_OPEN, *values) == [(is_open,)]


async def test_no_login_is_not_open(database_url: str) -> None:
    """A foreign row may be absent; nothing that is not true lets anybody in."""
    assert await query(
        database_url, "SELECT topup.session_is_open(NULL::topup.sessions, 60) IS TRUE"
    ) == [(False,)]
