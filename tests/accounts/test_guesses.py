"""Guessing a password: after a few wrong ones the next has to wait, known name or not."""

import asyncio
import logging

import psycopg
import pytest
from argon2 import PasswordHasher
from quart import Quart

from tests.accounts.browser import ANNA, Browser
from tests.accounts.conftest import MakeApp

WRONG = {**ANNA, "password": "not the password"}
NOBODY = {**ANNA, "username": "nobody"}
FREE = 5
DELAYS = {"login_delay_seconds": 1_000.0, "login_delay_seconds_max": 3_000.0}
"""So long that it does not matter how long the test takes."""


@pytest.fixture
def app(make_app: MakeApp) -> Quart:
    return make_app(**DELAYS)


async def statuses(browser: Browser, account: dict[str, str], times: int) -> list[int]:
    return [(await browser.log_in(account)).status_code for _ in range(times)]


async def wait_is_over(owner: psycopg.AsyncConnection) -> None:
    """As if the time had passed."""
    await owner.execute("UPDATE topup.login_guesses SET next_at = clock_timestamp()")


@pytest.mark.parametrize("account", [WRONG, NOBODY], ids=["known", "unknown"])
async def test_after_a_few_wrong_passwords_the_next_has_to_wait(
    browser: Browser, owner: psycopg.AsyncConnection, account: dict[str, str]
) -> None:
    await browser.register()

    assert await statuses(browser, account, FREE) == FREE * [401]
    for seconds in (1_000, 2_000, 3_000, 3_000):
        refused = await browser.log_in(account)
        assert refused.status_code == 429
        assert refused.content_type == "application/problem+json"
        assert (await refused.get_json())["code"] == "too_many_guesses"
        assert round(int(refused.headers["Retry-After"]), -2) == seconds
        await wait_is_over(owner)
        assert (await browser.log_in(account)).status_code == 401


async def test_the_right_password_waits_too_and_then_the_slate_is_clean(
    browser: Browser, owner: psycopg.AsyncConnection
) -> None:
    await browser.register()
    await statuses(browser, WRONG, FREE)

    assert (await browser.log_in()).status_code == 429
    await wait_is_over(owner)
    assert (await browser.log_in()).status_code == 200

    assert await statuses(browser, WRONG, FREE) == FREE * [401]


async def test_a_guess_that_has_to_wait_is_not_hashed(make_app: MakeApp) -> None:
    class Counting(PasswordHasher):
        made = 0

        def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
            self.made += 1
            return super().hash(password, salt=salt)

    hasher = Counting(time_cost=1, memory_cost=8, parallelism=1)
    browser = Browser(make_app(hasher, **DELAYS))
    assert sorted(
        answer.status_code
        for answer in await asyncio.gather(*(browser.log_in(NOBODY) for _ in range(40)))
    ) == FREE * [401] + (40 - FREE) * [429]
    assert hasher.made == FREE


async def test_guesses_are_counted_over_all_processes_and_spellings(make_app: MakeApp) -> None:
    here, there = Browser(make_app(**DELAYS)), Browser(make_app(**DELAYS))

    assert await statuses(here, NOBODY, FREE - 1) == (FREE - 1) * [401]
    assert await statuses(there, {**NOBODY, "username": " NoBody "}, 2) == [401, 429]


async def test_guesses_at_one_name_hold_up_nobody_else(app: Quart, browser: Browser) -> None:
    await browser.register()
    await statuses(browser, NOBODY, FREE + 1)

    assert (await Browser(app).log_in()).status_code == 200


async def test_who_is_logged_in_stays_so(app: Quart, browser: Browser) -> None:
    await browser.register()
    await statuses(Browser(app), WRONG, FREE + 1)

    assert (await browser.me()).status_code == 200


async def test_neither_table_nor_log_holds_the_name_that_was_typed(
    browser: Browser, owner: psycopg.AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await statuses(browser, {**ANNA, "username": "a-password"}, FREE + 1)

    cursor = await owner.execute(
        "SELECT name_hash, name_hash = sha256('a-password') FROM topup.login_guesses"
    )
    [(name_hash, is_plain)] = await cursor.fetchall()
    assert (len(name_hash), is_plain) == (32, False)  # without the key nobody can try names on it
    assert "event=login.refused reason=too_many_guesses" in caplog.text
    assert "a-password" not in caplog.text
