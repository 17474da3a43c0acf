"""What a browser is given before any script runs, from a real database."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from xml.etree import ElementTree

import pytest
from argon2 import PasswordHasher
from quart import Quart
from quart_schema import QuartSchema

from app.accounts.login import Login, configure_auth
from app.database.accounts import Accounts
from app.http.addresses import local_path
from app.http.openapi import REFUSES
from app.http.request_rules import install_request_rules
from app.http.security_headers import SECURITY_HEADERS
from app.model import EventType, Status, Topup, TopupUpdate, TxRef, UserId
from app.settings import Settings
from app.texts import LANGUAGES, dong, load_texts
from app.web.accounts import create_accounts_blueprint
from app.web.pages import create_pages_blueprint, live_sentence
from tests.accounts.browser import Browser
from tests.payments import (
    LINK,
    Process,
    connected,
    linked,
    linked_without_code,
    open_process,
    transfer,
)
from tests.web.service import Napvi

NOW = datetime(2026, 1, 2, tzinfo=UTC)
WAITING = TopupUpdate(
    tx_ref=TxRef("T00000000"),
    seq=2,
    type=EventType.TOPUP_LINKED,
    status=Status.PENDING,
    amount=50_000,
    amount_paid=0,
    late=False,
    under_review=False,
    final=False,
    wallet_balance=0,
    confirmed_at=None,
    expires_at=NOW + timedelta(minutes=15),
    recorded_at=NOW,
    read_at=NOW,
)
STRANGER = {"username": "stranger", "password": "mật khẩu của người lạ"}
OF_A_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
SAID_OTHERWISE = {"invalid_request", "not_logged_in", "idempotency_mismatch"}
"""At its field, by the login, and never: a form has a key for each amount."""

PAGES_BEFORE_LOGIN = ["/login", "/register"]
PAGES_AFTER_LOGIN = ["/wallet", "/wallet/topup"]


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Process]:
    async with open_process(database_url) as process:
        yield process


@pytest.fixture
def app(process: Process) -> Quart:
    settings = Settings.load(secret_key="k" * 32)
    app = Quart("app")
    QuartSchema(app)
    configure_auth(app, settings)
    install_request_rules(app, settings)
    hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    login = Login(Accounts(process.database), settings, hasher)
    app.register_blueprint(create_accounts_blueprint(login, settings))
    app.register_blueprint(
        create_pages_blueprint(process.store, login, load_texts(), settings, *(lambda _: None,) * 2)
    )
    return app


@pytest.fixture
def visitor(app: Quart) -> Browser:
    return Browser(app)


@pytest.fixture
async def payer(app: Quart) -> Browser:
    browser = Browser(app)
    await browser.register()
    return browser


@pytest.fixture
async def topup(payer: Browser, process: Process) -> Topup:
    """Waiting for its money, with a payment link."""
    me = await (await payer.get("/api/auth/me")).get_json()
    opened = await process.topup(user_id=UserId(me["user_id"]))
    await process.store.append_events([linked(opened.tx_ref)])
    return await process.store.topup(opened.user_id, opened.tx_ref)


def open_files() -> set[str]:
    return {link.resolve().name for link in Path("/proc/self/fd").iterdir()}


async def text_of(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200
    return await answer.get_data(as_text=True)


def test_every_language_has_the_same_texts_with_the_same_placeholders() -> None:
    def placeholders(language: str) -> dict[str, set[str]]:
        entries = load_texts()[language].entries
        return {
            key: {name for _, name, _, _ in Formatter().parse(text) if name}
            for key, text in entries.items()
        }

    first, *others = map(placeholders, LANGUAGES)
    assert others == [first] * len(others)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_label_and_a_sentence(status: Status, language: str) -> None:
    t = load_texts()[language]
    assert t(f"status.{status}")
    for update in (WAITING, replace(WAITING, expires_at=NOW)):
        sentence = live_sentence(replace(update, status=status), NOW)
        assert t(f"live.{sentence}", paid="1", missing="1")
        assert t(f"live.{sentence}_more", paid="1", missing="1")


@pytest.mark.parametrize(
    ("update", "sentence"),
    [
        (WAITING, "waiting"),
        (replace(WAITING, expires_at=NOW), "overdue"),
        (replace(WAITING, under_review=True), "review"),
        (replace(WAITING, under_review=True, expires_at=NOW), "review"),
        (replace(WAITING, under_review=True, status=Status.CANCELLED), "review"),
        (replace(WAITING, type="payment.conflict", status=Status.FAILED), "failed"),
        (replace(WAITING, status=Status.UNDERPAID, amount_paid=1), "underpaid"),
        (replace(WAITING, status=Status.UNDERPAID, amount_paid=1, expires_at=NOW), "incomplete"),
        (replace(WAITING, status=Status.EXPIRED), "expired"),
        (replace(WAITING, status=Status.CONFIRMED, amount_paid=50_000), "confirmed"),
        (replace(WAITING, status=Status.CONFIRMED, amount_paid=50_000, late=True), "late"),
    ],
)
def test_the_sentence_says_where_the_money_is(update: TopupUpdate, sentence: str) -> None:
    assert live_sentence(update, NOW) == sentence


@pytest.mark.parametrize(
    ("amount", "written"),
    [(0, "0 ₫"), (999, "999 ₫"), (50_000, "50.000 ₫"), (100_000_000, "100.000.000 ₫")],
)
def test_amounts_are_written_as_in_vietnam(amount: int, written: str) -> None:
    assert dong(amount) == written.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize("path", ["/wallet", "/wallet/topup/T00000000", "/wallet?empty=1"])
def test_a_path_of_this_site_is_kept_for_after_the_login(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "wallet",
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "/wallet\\..\\..",
        "/wallet\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_sent_to_another_site_after_the_login(address: str | None) -> None:
    assert local_path(address) == "/wallet"


@pytest.mark.parametrize("path", [*PAGES_AFTER_LOGIN, "/wallet/topup/T00000000"])
async def test_a_visitor_logs_in_first_and_comes_back(visitor: Browser, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code == 303
    assert answer.location == "/login?next=" + path.replace("/", "%2F")
    assert f'data-after="{path}"' in await text_of(visitor, answer.location)


@pytest.mark.parametrize("path", PAGES_BEFORE_LOGIN)
async def test_who_is_logged_in_has_no_use_for_the_login(payer: Browser, path: str) -> None:
    answer = await payer.get(path + "?next=/wallet/topup")
    assert (answer.status_code, answer.location) == (303, "/wallet/topup")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("", "vi"),
        ("*", "vi"),
        ("fr-FR, fr;q=0.9", "vi"),
        ("en", "en"),
        ("en-AU, en;q=0.9, vi;q=0.8", "en"),
        ("vi-VN, vi;q=0.9, en;q=0.8", "vi"),
        ("fr, en;q=0.5", "en"),
        ("en;q=0, vi", "vi"),
        (";;,=", "vi"),
    ],
)
async def test_pages_are_vietnamese_unless_the_browser_would_rather_have_english(
    visitor: Browser, accepted: str, language: str
) -> None:
    answer = await visitor.get("/login", headers={"Accept-Language": accepted})
    assert f'<html lang="{language}">' in await answer.get_data(as_text=True)
    assert {"Accept-Language", "Cookie"} <= set(answer.headers["Vary"].split(", "))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_the_name_is_two_words_of_vietnamese_in_every_language(
    visitor: Browser, language: str
) -> None:
    answer = await visitor.get("/login", headers={"Accept-Language": language})
    assert '<a class="brand" href="/" lang="vi">nạp <b>ví</b></a>' in await answer.get_data(True)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_language_once_chosen_stays(visitor: Browser, language: str) -> None:
    answer = await visitor.get(f"/login?next=/wallet/topup&lang={language}")
    assert (answer.status_code, answer.location) == (303, "/login?next=%2Fwallet%2Ftopup")
    assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(answer.headers["Set-Cookie"].split("; "))
    for accepted in LANGUAGES:
        answer = await visitor.get("/login", headers={"Accept-Language": accepted})
        assert f'<html lang="{language}">' in await answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "path",
    [
        "/wallet/topup/%0D%0Ax",
        "/wallet/topup/%0D%0ASet-Cookie%3A%20a%3Db/qr.svg",
        "/wallet/topup/%5C%5Cevil.example",
        "/wallet/topup/T0%3Flang%3Den",
        "/wallet/topup/%EF%BF%BD",
    ],
)
async def test_a_choice_of_language_leads_back_to_the_same_address(
    visitor: Browser, path: str
) -> None:
    answer = await visitor.get(f"{path}?lang=en&a=b")
    assert (answer.status_code, answer.location) == (303, f"{path}?a=b")
    assert [cookie.split("=")[0] for cookie in answer.headers.getlist("Set-Cookie")] == ["lang"]


@pytest.mark.parametrize(
    "path", ["//evil.example/", "//evil.example/login", "//login", "/%2Flogin", "/%5Clogin"]
)
async def test_a_choice_of_language_leads_to_no_other_site(visitor: Browser, path: str) -> None:
    answer = await visitor.get(f"{path}?lang=en")
    assert (answer.status_code, answer.location) in [(404, None), (303, "/login")]


@pytest.mark.parametrize("language", ["", "fr", "vi-VN", "../en"])
async def test_an_unknown_language_changes_nothing(visitor: Browser, language: str) -> None:
    assert '<html lang="vi">' in await text_of(visitor, f"/login?lang={language}")


@pytest.mark.parametrize(
    ("service_settings", "suggested"),
    [
        ({}, [50_000, 100_000, 200_000, 500_000]),
        ({"topup_amount_min_vnd": 100_000, "topup_amount_max_vnd": 200_000}, [100_000, 200_000]),
        ({"topup_amount_min_vnd": 1_000_000}, []),
    ],
)
async def test_no_amount_is_suggested_that_would_be_refused(
    napvi: Napvi, suggested: list[int]
) -> None:
    async with napvi.payer() as payer:
        page = (await payer.client.get("/wallet/topup")).text
    assert re.findall(r'data-amount="(\d+)"', page) == [str(amount) for amount in suggested]
    assert ('role="group"' in page) == (suggested != [])


async def test_the_page_of_a_topup_tells_how_to_pay(payer: Browser, topup: Topup) -> None:
    page = await text_of(payer, f"/wallet/topup/{topup.tx_ref}")
    assert f'src="/wallet/topup/{topup.tx_ref}/qr.svg"' in page
    for told in [
        topup.checkout_url,
        topup.account_number,
        topup.transfer_message,
        dong(50_000),
        "MB Bank",
    ]:
        assert str(told) in page
    assert '<meta name="format-detection" content="telephone=no">' in page


async def test_the_page_of_a_topup_tells_what_has_arrived(
    payer: Browser, process: Process, topup: Topup
) -> None:
    await process.store.append_events([transfer(topup.order_code, 20_000)])
    page = await text_of(payer, f"/wallet/topup/{topup.tx_ref}")
    assert 'data-sentence="underpaid"' in page
    assert f"Đã nhận {dong(20_000)}, còn thiếu {dong(30_000)}" in page


async def test_the_page_of_an_old_topup_shows_the_balance_of_today(
    payer: Browser, process: Process, topup: Topup
) -> None:
    newer = await process.topup(70_000, topup.user_id)
    await process.store.append_events([transfer(newer.order_code, 70_000, link="2" * 32)])
    page = await text_of(payer, f"/wallet/topup/{topup.tx_ref}")
    assert f'data-part="balance">{dong(70_000)}<' in page


async def test_a_topup_without_a_link_says_so(payer: Browser, process: Process) -> None:
    me = await (await payer.get("/api/auth/me")).get_json()
    opened = await process.topup(user_id=UserId(me["user_id"]))
    assert "Chưa có mã thanh toán" in await text_of(payer, f"/wallet/topup/{opened.tx_ref}")
    assert (await payer.get(f"/wallet/topup/{opened.tx_ref}/qr.svg")).status_code == 404


async def test_a_link_without_a_code_leads_to_the_payment_page(
    payer: Browser, process: Process
) -> None:
    me = await (await payer.get("/api/auth/me")).get_json()
    opened = await process.topup(user_id=UserId(me["user_id"]))
    await process.store.append_events([linked_without_code(opened.tx_ref)])
    page = await text_of(payer, f"/wallet/topup/{opened.tx_ref}")
    assert "Mã QR có ở trang thanh toán" in page
    assert "Chưa có mã thanh toán" not in page
    assert f'href="https://pay.example/{LINK}"' in page


@pytest.mark.parametrize("path", ["/wallet/topup/{}", "/wallet/topup/{}/qr.svg"])
async def test_a_foreign_topup_looks_like_one_that_does_not_exist(
    app: Quart, topup: Topup, path: str
) -> None:
    stranger = Browser(app)
    await stranger.register(STRANGER)
    answers = [
        await stranger.get(path.format(tx_ref))
        for tx_ref in [topup.tx_ref, "TZZZZZZZZ", "T0", "tzzzzzzzz", "%00", "T00000000%0A"]
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({await answer.get_data() for answer in answers}) == 1


async def test_the_code_is_a_drawing_that_only_its_owner_may_keep(
    payer: Browser, topup: Topup
) -> None:
    answer = await payer.get(f"/wallet/topup/{topup.tx_ref}/qr.svg")
    assert answer.mimetype == "image/svg+xml"
    assert "private" in answer.headers["Cache-Control"]
    svg = ElementTree.fromstring(await answer.get_data())  # noqa: S314 our own
    assert svg.tag.endswith("svg")
    assert svg.get("viewBox") == "0 0 29 29", "21 modules and a quiet edge of four"


async def test_the_wallet_shows_balance_entries_and_topups(
    payer: Browser, process: Process, topup: Topup
) -> None:
    await process.store.append_events([transfer(topup.order_code, 50_000)])
    page = await text_of(payer, "/wallet")
    assert f'<p class="sum">{dong(50_000)}</p>' in page
    assert dong(50_000, signed=True) in page
    assert f'href="/wallet/topup/{topup.tx_ref}"' in page
    assert 'data-status="confirmed">Thành công<' in page


@pytest.mark.breaks_the_laws
async def test_money_that_only_a_newer_release_knows_keeps_its_own_name(
    payer: Browser, process: Process, topup: Topup, database_url: str
) -> None:
    await process.store.append_events([transfer(topup.order_code, 50_000)])
    async with connected(database_url) as connection:
        await connection.execute("ALTER TABLE topup.events DROP CONSTRAINT events_type_check")
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE topup.events SET type = 'gift.given' WHERE type = 'payment.received'"
        )
    page = await text_of(payer, "/wallet")
    assert f'<p class="sum">{dong(50_000)}</p>' in page
    assert '<span class="what">gift.given</span>' in page


async def test_the_wallet_draws_its_balance_once_there_is_one(
    payer: Browser, process: Process, topup: Topup
) -> None:
    assert "<svg" not in await text_of(payer, "/wallet")
    await process.store.append_events([transfer(topup.order_code, 50_000)])
    page = await text_of(payer, "/wallet")
    [drawing] = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    title, more, *_ = ElementTree.fromstring(drawing)  # noqa: S314 our own
    assert title.text == "Số dư theo thời gian"
    assert more.text is not None
    assert f"đến {dong(50_000)} hôm nay" in more.text


@pytest.mark.parametrize("path", ["/wallet", "/wallet/topup/{}"])
async def test_a_topup_tells_its_history(
    payer: Browser, process: Process, topup: Topup, path: str
) -> None:
    await process.store.append_events([transfer(topup.order_code, 50_000)])
    page = await text_of(payer, path.format(topup.tx_ref))
    [history] = re.findall(r'<ol class="history">.*?</ol>', page, re.DOTALL)
    told = ["Tạo lần nạp", "Có mã thanh toán", "Đã nhận tiền", dong(50_000, signed=True)]
    places = [history.index(text) for text in told]
    assert places == sorted(places)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_event_has_a_name_and_a_newer_one_keeps_its_own(language: str) -> None:
    t = load_texts()[language]
    assert all(t.event(type) != type for type in EventType)
    assert t.event("topup.reborn") == "topup.reborn"


async def test_what_may_be_money_and_waits_for_a_person_is_called_neither_a_repetition_nor_lost(
    payer: Browser, process: Process, topup: Topup
) -> None:
    for amount in (20_000, 30_000):
        await process.store.append_events([transfer(topup.order_code, amount, "FT of two amounts")])
    page = await text_of(payer, f"/wallet/topup/{topup.tx_ref}")
    assert "Khoản chuyển đang được kiểm tra, chưa cộng vào ví" in page


async def test_text_from_elsewhere_is_never_markup(
    payer: Browser, process: Process, topup: Topup
) -> None:
    fact = linked(topup.tx_ref)
    fact.data["account_name"] = "<script>alert(1)</script>"
    await process.store.append_events([fact])
    page = await text_of(payer, f"/wallet/topup/{topup.tx_ref}")
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in page


async def test_no_page_has_script_or_style_in_it(
    visitor: Browser, payer: Browser, topup: Topup
) -> None:
    pages = [await text_of(visitor, path) for path in PAGES_BEFORE_LOGIN]
    pages += [await text_of(payer, path) for path in PAGES_AFTER_LOGIN]
    pages += [await text_of(payer, f"/wallet/topup/{topup.tx_ref}")]
    inline = re.compile(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=|javascript:")
    assert [found for page in pages for found in inline.findall(page)] == []
    loaded = re.compile(r'<(?:script|link|img)[^>]* (?:src|href)="([^"]+)"')
    assert all(address.startswith("/") for page in pages for address in loaded.findall(page))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("route", ["accounts.register", "accounts.log_in", "topups.init"])
def test_a_form_has_a_sentence_for_every_refusal(napvi: Napvi, route: str, language: str) -> None:
    refused = {problem.code for problem in getattr(napvi.app.view_functions[route], REFUSES)}
    sentences = load_texts()[language].below("fault")
    assert refused - SAID_OTHERWISE - sentences.keys() == set()


async def test_scripts_are_asked_for_again_and_sent_only_when_they_are_new(napvi: Napvi) -> None:
    async with napvi.visitor() as visitor:
        script = await visitor.get("/static/topup-stream.js")
        assert script.headers["Cache-Control"] == "public, max-age=0"
        known = {"If-None-Match": script.headers["ETag"]}
        again = await visitor.get("/static/topup-stream.js", headers=known)
    assert (script.status_code, again.status_code, again.content) == (200, 304, b"")


async def test_a_file_is_not_open_while_a_browser_takes_it(napvi: Napvi) -> None:
    app = napvi.app
    async with app.test_request_context("/static/napvi.css"):
        answer = await app.send_static_file("napvi.css")
        async with answer.response as body:
            assert b"{" in await anext(aiter(body))
            assert "napvi.css" not in open_files()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/walet", 404),
        ("GET", "/static/nothing.css", 404),
        ("POST", "/login", 405),
        ("DELETE", "/wallet", 405),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_is_lost_reads_so_in_a_language_of_theirs_and_is_led_back(
    napvi: Napvi, method: str, path: str, status: int, language: str
) -> None:
    t = load_texts()[language]
    async with napvi.visitor() as visitor:
        headers = {"Accept": OF_A_BROWSER, "Accept-Language": language}
        answer = await visitor.request(method, path, headers=headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "text/html; charset=utf-8",
    )
    assert f"<h1>{t('problem.missing_title')}</h1>" in answer.text
    assert f'href="/wallet">{t("problem.back")}</a>' in answer.text
    assert ("GET" in answer.headers.get("Allow", "")) == (status == 405)


@pytest.mark.parametrize(
    ("path", "accepted", "status"),
    [
        ("/walet", "*/*", 404),
        ("/walet", "", 404),
        ("/walet", "application/json", 404),
        ("/api/walet", "text/html", 404),
        ("/api/auth/login", "text/html", 405),
        ("/healthz", "text/html", 405),
        ("/openapi.json", "text/html", 405),
    ],
)
async def test_what_is_no_reader_is_told_as_before(
    napvi: Napvi, path: str, accepted: str, status: int
) -> None:
    method = "DELETE" if status == 405 else "GET"
    async with napvi.visitor() as visitor:
        answer = await visitor.request(method, path, headers={"Accept": accepted})
    assert (answer.status_code, answer.headers["Content-Type"]) == (
        status,
        "application/problem+json",
    )


async def test_who_is_lost_can_choose_the_language(napvi: Napvi) -> None:
    async with napvi.visitor() as visitor:
        headers = {"Accept": OF_A_BROWSER}
        answer = await visitor.get("/walet?lang=en", headers=headers)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/walet")
        assert '<html lang="en">' in (await visitor.get("/walet", headers=headers)).text


async def test_who_is_lost_while_logged_in_is_shown_so_also_without_the_database(
    napvi: Napvi,
) -> None:
    button, headers = 'id="log-out"', {"Accept": OF_A_BROWSER}
    async with napvi.visitor() as visitor, napvi.payer() as payer:
        for away in (False, True):
            if away:
                await napvi.app.recording.database.close()
            for path in ("/walet", "/wallet/topup/T0"):
                found = (await payer.client.get(path, headers=headers)).text
                assert (button in found) and ("<h1>" in found), path
                assert button not in (await visitor.get(path, headers=headers)).text


@pytest.mark.parametrize("path", ["/login/", "/register/"])
async def test_a_slash_too_many_leads_to_the_page(visitor: Browser, path: str) -> None:
    assert await text_of(visitor, path) == await text_of(visitor, path.removesuffix("/"))


@pytest.mark.parametrize("path", ["/wallet/", "/wallet/topup/"])
async def test_a_slash_too_many_leads_to_the_page_of_who_is_logged_in(
    payer: Browser, path: str
) -> None:
    assert await text_of(payer, path) == await text_of(payer, path.removesuffix("/"))


@pytest.mark.parametrize("path", ["/login", "/nowhere", "/static/napvi.css", "/api/auth/me"])
async def test_a_browser_may_only_load_what_is_ours_and_show_it_in_no_frame(
    napvi: Napvi, path: str
) -> None:
    async with napvi.visitor() as visitor:
        headers = (await visitor.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert {name: headers[name] for name, _ in SECURITY_HEADERS} == dict(SECURITY_HEADERS)


async def test_a_page_is_kept_by_its_reader_alone(visitor: Browser) -> None:
    assert (await visitor.get("/login")).headers["Cache-Control"] == "private, no-store"


async def test_without_the_database_a_page_says_that_the_money_is_safe(
    payer: Browser, process: Process
) -> None:
    await process.database.close()
    answer = await payer.get("/wallet")
    assert answer.status_code == 503
    assert "Tiền của bạn vẫn an toàn" in await answer.get_data(as_text=True)


@pytest.mark.breaks_the_laws
async def test_a_fault_of_ours_is_a_page_as_well(
    payer: Browser, process: Process, database_url: str
) -> None:
    async with connected(database_url) as connection:
        await connection.execute("ALTER TABLE topup.ledger_entries RENAME TO lost")
    answer = await payer.get("/wallet")
    assert answer.status_code == 500
    assert "Hệ thống đang bận" in await answer.get_data(as_text=True)
