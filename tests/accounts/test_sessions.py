"""The cookie, and the login on the server that it stands for."""

import hashlib

import psycopg
import pytest
from quart import Quart

from app.accounts.login import configure_auth
from app.errors import ConfigurationError
from app.settings import Settings
from tests.accounts.browser import ANNA, COOKIE, Browser
from tests.accounts.conftest import MakeApp


async def test_the_cookie_is_closed_to_scripts_other_sites_and_plain_http(
    browser: Browser,
) -> None:
    (cookie,) = (await browser.register()).headers.getlist("Set-Cookie")

    name_and_value, *attributes = cookie.split("; ")
    assert name_and_value.startswith(f"{COOKIE}=")
    chosen = {text for text in attributes if not text.startswith("Expires=")}
    assert chosen == {"Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=43200"}


async def test_an_installation_on_plain_http_gets_a_cookie_that_works_there(
    make_app: MakeApp,
) -> None:
    client = make_app(cookie_secure=False).test_client()
    account = {"username": "anna", "password": "long enough"}
    response = await client.post("/api/auth/register", json=account)

    assert "Secure" not in response.headers["Set-Cookie"]
    assert response.headers["Set-Cookie"].startswith("napvi_session=")
    assert (await client.get("/api/auth/me")).status_code == 200


async def test_a_login_that_a_sibling_domain_planted_is_not_used(
    app: Quart, browser: Browser
) -> None:
    """It may set any cookie but one whose name begins with __Host-; browsers send the one with
    the longest path first.
    """
    await browser.register()
    planter = Browser(app)
    await planter.register({**ANNA, "username": "mallory"})
    planted = f"napvi_session={planter.cookie}"

    client = app.test_client(use_cookies=False)
    for cookies, status in ((f"{planted}; {COOKIE}={browser.cookie}", 200), (planted, 401)):
        response = await client.get("/api/auth/me", scheme="https", headers={"Cookie": cookies})
        assert response.status_code == status
        if status == 200:
            assert (await response.get_json())["username"] == "anna"


async def test_each_login_has_an_id_of_its_own(browser: Browser) -> None:
    await browser.register()
    cookies = {browser.cookie}
    for _ in range(3):
        await browser.log_in()
        cookies.add(browser.cookie)

    assert len(cookies) == 4


async def test_a_new_login_ends_the_one_before(app: Quart, browser: Browser) -> None:
    await browser.register()
    thief = Browser(app)
    thief.cookie = browser.cookie

    await browser.log_in()

    assert (await thief.me()).status_code == 401
    assert (await browser.me()).status_code == 200


async def test_a_registration_ends_the_login_before(app: Quart, browser: Browser) -> None:
    await browser.register()
    thief = Browser(app)
    thief.cookie = browser.cookie

    await browser.register({**ANNA, "username": "binh"})

    assert (await thief.me()).status_code == 401
    assert (await (await browser.me()).get_json())["username"] == "binh"


async def test_a_refused_registration_leaves_the_login_before(browser: Browser) -> None:
    await browser.register()

    assert (await browser.register()).status_code == 409

    assert (await browser.me()).status_code == 200


async def test_a_refused_login_leaves_the_one_before(browser: Browser) -> None:
    await browser.register()

    await browser.log_in({"username": "anna", "password": "wrong password"})

    assert (await browser.me()).status_code == 200


async def test_logout_ends_the_login_on_the_server(app: Quart, browser: Browser) -> None:
    await browser.register()
    thief = Browser(app)
    thief.cookie = browser.cookie
    assert (await thief.me()).status_code == 200

    await browser.log_out()

    assert (await thief.me()).status_code == 401


async def test_logout_leaves_the_logins_of_other_browsers(app: Quart, browser: Browser) -> None:
    await browser.register()
    phone = Browser(app)
    await phone.log_in()

    await browser.log_out()

    assert (await phone.me()).status_code == 200


async def test_a_login_holds_in_every_process(make_app: MakeApp) -> None:
    here, there = Browser(make_app()), Browser(make_app())
    await here.register()

    there.cookie = here.cookie
    assert (await there.me()).status_code == 200

    await there.log_out()
    assert (await here.me()).status_code == 401


async def test_a_login_unused_for_the_idle_time_ends(
    browser: Browser, owner: psycopg.AsyncConnection
) -> None:
    await browser.register()
    await owner.execute(
        "UPDATE topup.sessions SET last_seen_at = last_seen_at - interval '29 minutes 50 seconds'"
    )
    assert (await browser.me()).status_code == 200

    await owner.execute(
        "UPDATE topup.sessions SET last_seen_at = last_seen_at - interval '30 minutes'"
    )
    assert (await browser.me()).status_code == 401


async def test_a_login_ends_at_its_absolute_age_however_busy(
    browser: Browser, owner: psycopg.AsyncConnection
) -> None:
    await browser.register()
    await owner.execute("UPDATE topup.sessions SET expires_at = expires_at - interval '11:59:50'")
    assert (await browser.me()).status_code == 200

    await owner.execute("UPDATE topup.sessions SET expires_at = expires_at - interval '10 seconds'")
    assert (await browser.me()).status_code == 401


async def test_the_operator_can_end_a_login(
    browser: Browser, owner: psycopg.AsyncConnection
) -> None:
    await browser.register()
    await owner.execute("UPDATE topup.sessions SET revoked_at = clock_timestamp()")

    assert (await browser.me()).status_code == 401


async def test_the_database_does_not_hold_what_the_cookie_holds(
    app: Quart, browser: Browser, owner: psycopg.AsyncConnection
) -> None:
    await browser.register()
    (auth,) = app.extensions["QUART_AUTH"]
    session_id = auth.load_token(browser.cookie, app)

    cursor = await owner.execute("SELECT session_hash FROM topup.sessions")
    (session_hash,) = await cursor.fetchone() or ()
    assert session_hash == hashlib.sha256(session_id.encode()).digest()
    assert len(session_id) >= 43  # 32 random bytes
    thief = Browser(app)
    thief.cookie = auth.dump_token(session_hash.hex(), app)
    assert (await thief.me()).status_code == 401


@pytest.mark.parametrize(
    "cookie", ["", "x", ".", "a.b.c", "%00", "é", "ImEi.aaaa.bbbb", "a" * 4000]
)
async def test_a_made_up_cookie_is_no_login(browser: Browser, cookie: str) -> None:
    browser.cookie = cookie

    assert (await browser.me()).status_code == 401
    assert (await browser.log_out()).status_code == 204


async def test_a_cookie_signed_with_another_key_is_no_login(
    browser: Browser, make_app: MakeApp
) -> None:
    await browser.register()
    other = Browser(make_app(secret_key=Settings.load(secret_key="x" * 32).secret_key))
    other.cookie = browser.cookie

    assert (await other.me()).status_code == 401


@pytest.mark.parametrize("key", [None, "", "k" * 31])
def test_a_short_secret_key_is_refused(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match=r"NAPVI_SECRET_KEY.*32.*secrets") as refused:
        configure_auth(Quart("napvi"), Settings.load(secret_key=key))

    assert refused.value.setting == "NAPVI_SECRET_KEY"
