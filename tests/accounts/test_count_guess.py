"""count_guess and what undoes it: of all guesses at one name, only some may be tried."""

import asyncio

import psycopg
import pytest

from tests.payments import connected

NAME_HASH, OTHER_HASH = bytes(32), bytes(31) + b"\1"
FREE = 3
DELAY_SECONDS, DELAY_SECONDS_MAX = 10_000, 70_000
"""Hours, so that it does not matter how long the test takes."""


async def count(
    application: psycopg.AsyncConnection, name_hash: bytes = NAME_HASH, free: int = FREE
) -> int:
    """The seconds to wait, to the next thousand; 0: it may be tried."""
    cursor = await application.execute(
        "SELECT topup.count_guess(%s, %s, %s, %s)",
        (name_hash, free, DELAY_SECONDS, DELAY_SECONDS_MAX),
    )
    (seconds,) = await cursor.fetchone() or ()
    return round(int(seconds), -3)


async def pass_by(owner: psycopg.AsyncConnection, seconds: int) -> None:
    """As if they had."""
    await owner.execute(
        "UPDATE topup.login_guesses SET next_at = next_at - make_interval(secs => %s)", (seconds,)
    )


async def test_the_first_guesses_need_not_wait(application: psycopg.AsyncConnection) -> None:
    assert [await count(application) for _ in range(FREE)] == [0] * FREE
    assert await count(application) == DELAY_SECONDS


async def test_each_guess_that_is_tried_doubles_the_wait_up_to_the_longest(
    application: psycopg.AsyncConnection, owner: psycopg.AsyncConnection
) -> None:
    for _ in range(FREE):
        await count(application)
    for seconds in (10_000, 20_000, 40_000, 70_000, 70_000):
        assert await count(application) == seconds
        await pass_by(owner, seconds)
        assert await count(application) == 0


async def test_a_wait_grows_no_longer_while_somebody_keeps_asking(
    application: psycopg.AsyncConnection, owner: psycopg.AsyncConnection
) -> None:
    for _ in range(FREE):
        await count(application)
    assert {await count(application) for _ in range(20)} == {DELAY_SECONDS}
    await pass_by(owner, DELAY_SECONDS)
    assert await count(application) == 0


async def test_a_thousand_guesses_wait_as_long_as_any(
    application: psycopg.AsyncConnection, owner: psycopg.AsyncConnection
) -> None:
    await count(application)
    await owner.execute("UPDATE topup.login_guesses SET guesses = 2000000000")
    assert await count(application) == 0
    assert await count(application) == DELAY_SECONDS_MAX


async def test_names_do_not_wait_for_each_other(application: psycopg.AsyncConnection) -> None:
    while await count(application) == 0:
        pass
    assert await count(application, OTHER_HASH) == 0


async def test_of_guesses_that_come_at_once_no_more_pass(database_url: str) -> None:
    async def one() -> int:
        async with connected(database_url, "topup_app") as connection:
            return await count(connection)

    seconds = await asyncio.gather(*(one() for _ in range(10)))
    assert sorted(seconds) == FREE * [0] + (10 - FREE) * [DELAY_SECONDS]


async def test_the_first_may_be_the_last_that_need_not_wait(
    application: psycopg.AsyncConnection,
) -> None:
    assert await count(application, free=1) == 0
    assert await count(application, free=1) == DELAY_SECONDS


async def test_those_that_may_be_tried_at_once_are_not_sent_away(database_url: str) -> None:
    """Each waits for the one before it to commit."""

    async def ten() -> list[int]:
        async with connected(database_url, "topup_app") as connection:
            return [await count(connection, free=1_000) for _ in range(10)]

    seconds = await asyncio.gather(*(ten() for _ in range(10)))
    assert seconds == 10 * [10 * [0]]


async def test_a_guess_that_was_not_looked_at_is_none(
    application: psycopg.AsyncConnection,
) -> None:
    for _ in range(5):
        for _ in range(FREE - 1):
            assert await count(application) == 0
        for _ in range(FREE - 1):
            await application.execute("SELECT topup.take_back_guess(%s)", (NAME_HASH,))
    for _ in range(FREE):
        assert await count(application) == 0
    await application.execute("SELECT topup.take_back_guess(%s)", (NAME_HASH,))
    assert await count(application) == 0
    assert await count(application) == DELAY_SECONDS


@pytest.mark.parametrize("undo", ["take_back_guess", "forget_guesses"])
async def test_what_is_not_there_cannot_be_undone(
    application: psycopg.AsyncConnection, owner: psycopg.AsyncConnection, undo: str
) -> None:
    statement = {
        "take_back_guess": "SELECT topup.take_back_guess(%s)",
        "forget_guesses": "SELECT topup.forget_guesses(%s)",
    }[undo]
    await count(application)
    for _ in range(3):
        await application.execute(statement, (NAME_HASH,))
    assert [await count(application) for _ in range(FREE)] == [0] * FREE


async def test_the_right_password_wipes_the_slate(application: psycopg.AsyncConnection) -> None:
    while await count(application) == 0:
        await count(application, OTHER_HASH)
    await application.execute("SELECT topup.forget_guesses(%s)", (NAME_HASH,))
    assert [await count(application) for _ in range(FREE)] == [0] * FREE
    assert await count(application, OTHER_HASH) > 0
