"""Hashing: off the event loop, bounded, the same for everybody, and never in a log."""

import asyncio
import gc
import logging
import threading
import unicodedata
from typing import Literal

import psycopg
import pytest
from argon2 import PasswordHasher
from quart import Quart

from tests.accounts.browser import ANNA, Browser
from tests.accounts.conftest import MakeApp

MANY = {"login_guesses_free": 1_000}
"""Where one name logs in many times at once."""


class WatchedHasher(PasswordHasher):
    """Counts the hashes that are made, and can make who verifies a password wait."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.made = self.inside = self.inside_max = 0
        self.entered: asyncio.Queue[None] = asyncio.Queue()
        self.open = threading.Event()
        self.open.set()
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.made += 1
        return super().hash(password, salt=salt)

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        with self._lock:
            self.made += 1
            self.inside += 1
            self.inside_max = max(self.inside, self.inside_max)
        self._loop.call_soon_threadsafe(self.entered.put_nowait, None)
        try:
            assert self.open.wait(timeout=60), "the event loop stood still"
            return super().verify(hash, password)
        finally:
            with self._lock:
                self.inside -= 1


async def until_taken(app: Quart, places: int) -> None:
    """Returns when so many hash, or wait for it."""
    all_of_them = app.extensions["NAPVI_LOGIN"]._passwords._places
    while all_of_them._initial_value - all_of_them._value != places:  # noqa: ASYNC110 threads set no event
        await asyncio.sleep(0.001)


@pytest.fixture
async def hasher() -> WatchedHasher:
    return WatchedHasher()


async def test_requests_are_answered_while_a_password_is_hashed(
    make_app: MakeApp, hasher: WatchedHasher
) -> None:
    app = make_app(hasher)
    await Browser(app).register()

    hasher.open.clear()
    login = asyncio.create_task(Browser(app).log_in())
    await hasher.entered.get()
    assert (await Browser(app).me()).status_code == 401
    hasher.open.set()

    assert (await login).status_code == 200


async def test_clients_that_go_away_do_not_make_room_for_more_hashes(
    make_app: MakeApp, hasher: WatchedHasher
) -> None:
    app = make_app(hasher, password_hashes_at_once=2, **MANY)
    await Browser(app).register()

    hasher.open.clear()
    gone = [asyncio.create_task(Browser(app).log_in()) for _ in range(2)]
    for _ in gone:
        await hasher.entered.get()
    for login in gone:
        login.cancel()
    await asyncio.gather(*gone, return_exceptions=True)
    logins = [asyncio.create_task(Browser(app).log_in()) for _ in range(4)]
    await until_taken(app, 6)
    hasher.open.set()

    assert {(await login).status_code for login in logins} == {200}
    assert hasher.inside_max == 2


async def test_a_flood_of_logins_is_answered_at_once(
    make_app: MakeApp, hasher: WatchedHasher
) -> None:
    app = make_app(hasher, password_hashes_at_once=2, password_hashes_waiting_max=3, **MANY)
    await Browser(app).register()

    hasher.open.clear()
    logins = [asyncio.create_task(Browser(app).log_in()) for _ in range(25)]
    refused = 0
    for answer in asyncio.as_completed(logins):
        response = await answer
        if response.status_code == 503:
            assert response.content_type == "application/problem+json"
            assert (await response.get_json())["code"] == "too_busy"
            assert response.headers["Retry-After"] == "1"
            refused += 1
            if refused == 20:
                hasher.open.set()
    assert sorted([(await login).status_code for login in logins]) == 5 * [200] + 20 * [503]

    assert (await Browser(app).log_in()).status_code == 200


async def test_who_is_sent_away_from_the_queue_has_guessed_nothing(
    make_app: MakeApp, hasher: WatchedHasher
) -> None:
    app = make_app(
        hasher,
        password_hashes_at_once=1,
        password_hashes_waiting_max=1,
        login_guesses_free=3,
        login_delay_seconds_max=1_000.0,
        login_delay_seconds=1_000.0,
    )
    await Browser(app).register()

    hasher.open.clear()
    logins = [asyncio.create_task(Browser(app).log_in()) for _ in range(2)]
    await until_taken(app, 2)
    assert [(await Browser(app).log_in()).status_code for _ in range(5)] == 5 * [503]
    hasher.open.set()

    assert [(await login).status_code for login in logins] == [200, 200]


async def test_a_registration_waits_in_the_same_queue(
    make_app: MakeApp, hasher: WatchedHasher
) -> None:
    app = make_app(hasher, password_hashes_at_once=1, password_hashes_waiting_max=1)
    await Browser(app).register()

    hasher.open.clear()
    logins = [asyncio.create_task(Browser(app).log_in()) for _ in range(3)]
    await asyncio.wait(logins, return_when=asyncio.FIRST_COMPLETED)  # one found no place
    refused = await Browser(app).register({**ANNA, "username": "binh"})
    hasher.open.set()

    assert refused.status_code == 503
    assert (await refused.get_json())["code"] == "too_busy"
    assert sorted([(await login).status_code for login in logins]) == [200, 200, 503]


async def test_who_leaves_the_queue_makes_room_and_leaves_no_complaint(
    make_app: MakeApp, hasher: WatchedHasher, caplog: pytest.LogCaptureFixture
) -> None:
    gc.collect()  # what other tests left
    caplog.clear()
    app = make_app(hasher, password_hashes_at_once=1, password_hashes_waiting_max=1)
    await Browser(app).register()

    hasher.open.clear()
    async with Browser(app).logging_in() as first, Browser(app).logging_in() as second:
        await hasher.entered.get()
        await until_taken(app, 2)
        assert (await Browser(app).log_in()).status_code == 503
        await first.disconnect()
        await second.disconnect()
    await until_taken(app, 1)
    login = asyncio.create_task(Browser(app).log_in())
    await until_taken(app, 2)
    assert not login.done()
    assert (await Browser(app).log_in()).status_code == 503  # a hash still runs, for nobody
    hasher.open.set()

    assert (await login).status_code == 200
    gc.collect()  # the moment at which asyncio would complain
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_an_unknown_user_costs_as_many_hashes_as_a_known_one(
    make_app: MakeApp, hasher: WatchedHasher
) -> None:
    browser = Browser(make_app(hasher))
    await browser.register()

    for username in ("anna", "nobody"):
        hasher.made = 0
        await browser.log_in({"username": username, "password": "wrong password"})
        assert hasher.made == 1


async def test_a_password_is_the_same_however_the_keyboard_composes_it(
    app: Quart, browser: Browser
) -> None:
    composed, decomposed = (
        {**ANNA, "password": unicodedata.normalize(form, ANNA["password"])}
        for form in ("NFC", "NFD")
    )
    assert composed != decomposed
    await browser.register(decomposed)

    assert (await Browser(app).log_in(composed)).status_code == 200
    assert (await Browser(app).log_in(decomposed)).status_code == 200


async def test_a_password_of_full_length_may_come_decomposed(app: Quart, browser: Browser) -> None:
    account = {**ANNA, "password": unicodedata.normalize("NFD", "ᾂ" * 128)}  # four times as long
    assert (await browser.register(account)).status_code == 201

    assert (await Browser(app).log_in(account)).status_code == 200


# Normalising takes time with the square of the length. Halves of characters would be refused as
# such, were they looked at.
UNREAD = {**ANNA, "password": "\ud800" * (4 * 128 + 1)}


async def test_a_password_that_cannot_be_one_is_refused_by_its_length_alone(
    make_app: MakeApp, hasher: WatchedHasher
) -> None:
    browser = Browser(make_app(hasher))
    await browser.register()
    hasher.made = 0

    login = await browser.log_in(UNREAD)
    registration = await browser.register(UNREAD)

    assert (login.status_code, (await login.get_json())["code"]) == (401, "login_refused")
    assert registration.status_code == 400
    (fault,) = (await registration.get_json())["errors"]
    assert fault == {"field": "password", "detail": "8 to 128 characters"}
    assert hasher.made == 0


async def test_the_database_holds_an_argon2id_hash(
    make_app: MakeApp, owner: psycopg.AsyncConnection
) -> None:
    await Browser(make_app(PasswordHasher())).register()

    cursor = await owner.execute("SELECT password_hash FROM topup.users")
    (password_hash,) = await cursor.fetchone() or ()
    assert password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_no_log_line_holds_a_password_or_a_cookie(
    app: Quart, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    (auth,) = app.extensions["QUART_AUTH"]

    await browser.register()
    secrets = [ANNA["password"], browser.cookie, auth.load_token(browser.cookie, app)]
    await browser.log_in()
    secrets += [browser.cookie, auth.load_token(browser.cookie, app)]
    await browser.register({**ANNA, "password": "a second try"})
    await browser.log_in({**ANNA, "password": "not my password"})
    await browser.log_in({"username": "typed-into-the-wrong-field", "password": "anna"})
    await browser.post("/api/auth/login", {"username": {}, "password": ["in a list"]})
    await browser.post("/api/auth/login", data=b'{"password": "cut off')
    await browser.me()
    await browser.log_out()

    assert "event=account.registered" in caplog.text
    assert "event=login.accepted" in caplog.text
    assert "event=login.refused" in caplog.text
    secrets += ["a second try", "not my password", "wrong-field", "in a list", "cut off", "argon2"]
    assert [secret for secret in secrets if secret in caplog.text] == []
