"""Register, log in, log out, me: as a browser sees them."""

import asyncio

import psycopg
import pytest
from quart import Quart

from tests.accounts.browser import ANNA, Browser


async def test_who_registers_is_logged_in(browser: Browser) -> None:
    response = await browser.register()

    assert response.status_code == 201
    registered = await response.get_json()
    assert registered == {"user_id": registered["user_id"], "username": "anna"}
    me = await browser.me()
    assert me.status_code == 200
    assert await me.get_json() == registered


async def test_who_registers_has_an_empty_wallet(
    browser: Browser, owner: psycopg.AsyncConnection
) -> None:
    user_id = (await (await browser.register()).get_json())["user_id"]

    cursor = await owner.execute("SELECT user_id, balance FROM topup.wallets")
    assert await cursor.fetchall() == [(user_id, 0)]


async def test_the_right_password_logs_in(app: Quart, browser: Browser) -> None:
    registered = await (await browser.register()).get_json()

    other = Browser(app)
    response = await other.log_in()

    assert response.status_code == 200
    assert await response.get_json() == registered
    assert (await other.me()).status_code == 200


async def test_the_wrong_password_and_an_unknown_user_get_the_same_answer(
    app: Quart, browser: Browser
) -> None:
    await browser.register()

    stranger = Browser(app)
    wrong = await stranger.log_in({**ANNA, "password": "something else"})
    unknown = await stranger.log_in({**ANNA, "username": "nobody"})

    assert wrong.status_code == unknown.status_code == 401
    assert (await wrong.get_json())["code"] == "login_refused"
    assert await wrong.get_data() == await unknown.get_data()
    assert "Set-Cookie" not in wrong.headers
    assert (await stranger.me()).status_code == 401


async def test_without_a_login_nobody_is_told_who_they_are(browser: Browser) -> None:
    response = await browser.me()

    assert response.status_code == 401
    assert response.content_type == "application/problem+json"
    assert (await response.get_json())["code"] == "not_logged_in"


async def test_logout_ends_the_login_and_may_be_repeated(browser: Browser) -> None:
    await browser.register()

    assert (await browser.log_out()).status_code == 204
    assert (await browser.me()).status_code == 401
    assert (await browser.log_out()).status_code == 204


async def test_logout_needs_no_body(browser: Browser) -> None:
    await browser.register()

    response = await browser.post(
        "/api/auth/logout", data="", headers={"Content-Type": "application/json"}
    )

    assert response.status_code == 204
    assert (await browser.me()).status_code == 401


async def test_a_username_is_given_once(app: Quart, browser: Browser) -> None:
    await browser.register()

    second = await Browser(app).register({**ANNA, "password": "another password"})

    assert second.status_code == 409
    assert (await second.get_json())["code"] == "username_taken"
    assert (await Browser(app).log_in()).status_code == 200


async def test_of_parallel_registrations_of_one_username_exactly_one_succeeds(app: Quart) -> None:
    answers = await asyncio.gather(*(Browser(app).register() for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] + 7 * [409]


async def test_a_username_is_the_same_in_any_case_and_between_spaces(
    app: Quart, browser: Browser
) -> None:
    response = await browser.register({**ANNA, "username": " Anna@Example.VN\n"})

    assert (await response.get_json())["username"] == "anna@example.vn"
    again = await Browser(app).log_in({**ANNA, "username": "ANNA@example.vn"})
    assert again.status_code == 200


@pytest.mark.parametrize("username", ["abc", "a" * 64, "0.a_b@c+d-e"])
async def test_a_username_within_the_rules_is_accepted(browser: Browser, username: str) -> None:
    assert (await browser.register({**ANNA, "username": username})).status_code == 201


@pytest.mark.parametrize(
    "username",
    ["", "ab", "a" * 65, ".ab", "-ab", "a b", "nguyễn", "a\x00b", "a\nb", "a'b", "ａｂｃ"],
)
@pytest.mark.parametrize("path", ["/api/auth/register", "/api/auth/login"])
async def test_a_malformed_username_is_named(browser: Browser, path: str, username: str) -> None:
    response = await browser.post(path, {**ANNA, "username": username})

    assert response.status_code == 400
    assert [fault["field"] for fault in (await response.get_json())["errors"]] == ["username"]


@pytest.mark.parametrize(
    ("characters", "status"), [(0, 400), (7, 400), (8, 201), (128, 201), (129, 400)]
)
async def test_a_new_password_has_8_to_128_characters(
    browser: Browser, characters: int, status: int
) -> None:
    response = await browser.register({**ANNA, "password": "ữ" * characters})

    assert response.status_code == status
    if status == 400:
        document = await response.get_json()
        assert [fault["field"] for fault in document["errors"]] == ["password"]
