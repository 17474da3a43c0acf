"""The scene that napvi exists for, and what can go wrong in it, with two tabs of a real browser."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Route, expect

from app.texts import dong
from tests.browser.gallery import register
from tests.browser.payer import enter_an_amount, open_checkout, order, pay, submit
from tests.browser.pictures import picture
from tests.browser.witness import Requests, shifted
from tests.services import PASSWORD, Service

pytestmark = pytest.mark.browser

INIT = "/api/topup/init"
NO_ANSWER = {"code": "payos_timeout", "status": 504, "title": "PayOS did not answer in time"}


Payer = Callable[[BrowserContext], Awaitable[Page]]


@pytest.fixture
def log_in(service: Service) -> Payer:
    """Makes an account and opens the page where an amount is entered."""

    async def log_in(context: BrowserContext) -> Page:
        await register(service, context)
        return await enter_an_amount(service, context)

    return log_in


async def test_a_payment_in_another_tab_shows_at_once_without_reload_or_status_request(
    service: Service, phone: BrowserContext
) -> None:
    page = await phone.new_page()
    await page.goto(f"{service.url}/register")
    await submit(page, username="lan.nguyen", password=PASSWORD)
    await expect(page).to_have_url(f"{service.url}/wallet")
    await page.get_by_role("button", name="Đăng xuất").click()
    await expect(page).to_have_url(f"{service.url}/login")
    await submit(page, username="lan.nguyen", password=PASSWORD)
    await expect(page).to_have_url(f"{service.url}/wallet")

    requests = Requests(page)
    await page.goto(f"{service.url}/wallet/topup")
    await order(page, "50000")
    code = page.get_by_role("img", name="Mã VietQR")
    await expect(code).to_be_visible()
    assert await code.evaluate("image => image.decode().then(() => image.naturalWidth)") > 0
    await picture(page, "waiting-phone")
    shifted_before = await shifted(page)

    await pay(page)

    await expect(page.get_by_role("status")).to_contain_text(f"Đã nhận {dong(50_000)}")
    await expect(page.locator('[data-part="balance"]')).to_have_text(dong(50_000))
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "closed")
    await expect(code).to_be_hidden()
    await picture(page, "confirmed-phone")
    assert requests.navigations == [f"{service.url}/wallet/topup"]
    assert requests.to("/api/topup/status") == []
    assert len(requests.to("/api/topup/stream")) == 1
    assert await shifted(page) == shifted_before

    await page.get_by_role("link", name="Về ví").click()
    await expect(page.locator(".balance .sum")).to_have_text(dong(50_000))
    await picture(page, "wallet-phone")


async def test_the_language_can_be_switched_while_money_is_awaited(
    service: Service, log_in: Payer, browser: Browser
) -> None:
    desktop = await browser.new_context(
        viewport={"width": 1280, "height": 840}, color_scheme="dark", locale="vi-VN"
    )
    page = await log_in(desktop)
    await order(page, "200.000")
    address = page.url
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("status")).to_contain_text("Waiting for your transfer")
    await expect(page.locator(".connection")).to_have_text("Watching live")
    await expect(page).to_have_url(address)
    await picture(page, "waiting-desktop")
    await desktop.close()


async def test_part_of_the_money_then_the_rest(log_in: Payer, phone: BrowserContext) -> None:
    page = await log_in(phone)
    await order(page, "50000")
    status, due = page.get_by_role("status"), page.locator('[data-part="due"]')
    checkout = await open_checkout(page)
    await checkout.get_by_role("button", name="Trả một phần").click()
    await expect(status).to_contain_text(f"Đã nhận {dong(25_000)}, còn thiếu {dong(25_000)}")
    await expect(due).to_have_text(dong(25_000))
    await expect(page.locator('[data-part="due-copy"]')).to_have_attribute("data-copy", "25000")
    await checkout.get_by_role("button", name="Trả đủ").click()
    await expect(status).to_contain_text(f"Đã nhận {dong(50_000)}")
    await expect(due).to_have_text(dong(50_000))


async def test_two_tabs_of_one_topup_show_the_same(log_in: Payer, phone: BrowserContext) -> None:
    page = await log_in(phone)
    await order(page)
    other = await phone.new_page()
    requests = Requests(other)
    await other.goto(page.url)
    await expect(other.locator(".slip")).to_have_attribute("data-connection", "live")
    await pay(page)
    for tab in (page, other):
        await expect(tab.get_by_role("status")).to_contain_text(f"Đã nhận {dong(50_000)}")
    assert requests.to("/api/topup/stream") == []
    assert requests.to("/api/topup/status") == []


async def test_a_topup_opened_after_the_payment_shows_it_without_a_stream(
    log_in: Payer, phone: BrowserContext
) -> None:
    page = await log_in(phone)
    await order(page)
    await pay(page)
    await expect(page.get_by_role("status")).to_contain_text("Đã nhận")
    requests = Requests(page)
    await page.reload()
    await expect(page.get_by_role("status")).to_contain_text(f"Đã nhận {dong(50_000)}")
    await expect(page.locator(".connection")).to_have_text("Không cần chờ thêm")
    assert requests.to("/api/topup/stream") == []


async def test_who_pays_on_a_page_put_away_sees_it_on_return(
    log_in: Payer, phone: BrowserContext
) -> None:
    page = await log_in(phone)
    await order(page)
    checkout = await open_checkout(page)
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    await checkout.get_by_role("button", name="Trả đủ").click()
    await checkout.get_by_text("webhook delivered").wait_for()
    await expect(page.get_by_role("status")).to_contain_text("Đang chờ chuyển khoản")
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await expect(page.get_by_role("status")).to_contain_text(f"Đã nhận {dong(50_000)}")


async def test_a_login_that_ended_leads_to_the_login_and_back(
    service: Service, phone: BrowserContext
) -> None:
    payer = await register(service, phone)
    page = await enter_an_amount(service, phone)
    await order(page)
    address = page.url
    await phone.clear_cookies(name="napvi_session")
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await expect(page).to_have_url(re.compile(r"/login\?next="))
    await submit(page, username=payer["username"], password=PASSWORD)
    await expect(page).to_have_url(address)
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")


async def test_an_amount_that_cannot_be_is_refused_beside_the_field(
    log_in: Payer, phone: BrowserContext
) -> None:
    page = await log_in(phone)
    requests = Requests(page)
    await submit(page, amount="1.999")
    await expect(page.locator('[data-fault="amount"]')).to_contain_text(dong(2_000))
    await expect(page.locator("#amount")).to_be_focused()
    assert requests.to(INIT) == []
    await order(page, "50.000")
    await expect(page.locator("h1")).to_have_text(f"Nạp {dong(50_000)}")


async def test_a_suggested_amount_is_taken(log_in: Payer, phone: BrowserContext) -> None:
    page = await log_in(phone)
    await submit(page, amount="1")
    fault = page.locator('[data-fault="amount"]')
    await expect(fault).not_to_be_empty()
    await page.get_by_role("button", name=dong(200_000)).click()
    await expect(page.locator("#amount")).to_have_value("200.000")
    await expect(fault).to_be_empty()
    await expect(page.locator("#amount")).not_to_have_attribute("aria-invalid", "true")


async def test_a_retry_after_a_lost_answer_continues_the_same_topup(
    service: Service, log_in: Payer, phone: BrowserContext
) -> None:
    page = await log_in(phone)
    requests = Requests(page)

    async def lose_the_answer(route: Route) -> None:
        await route.fetch()
        await route.fulfill(status=504, json=NO_ANSWER)

    await page.route(f"**{INIT}", lose_the_answer, times=1)
    await submit(page, amount="50000")
    await expect(page.locator('[data-fault="form"]')).to_contain_text("PayOS chưa trả lời")
    await order(page, "50000")
    first, second = [await r.header_value("Idempotency-Key") for r in requests.to(INIT)]
    assert first == second
    await page.goto(f"{service.url}/wallet")
    await expect(page.locator("a.row")).to_have_count(1)


async def test_another_amount_is_another_topup(log_in: Payer, phone: BrowserContext) -> None:
    page = await log_in(phone)
    requests = Requests(page)
    await page.route(f"**{INIT}", lambda route: route.fulfill(status=504, json=NO_ANSWER), times=1)
    await submit(page, amount="50000")
    await expect(page.locator('[data-fault="form"]')).not_to_be_empty()
    await order(page, "60000")
    first, second = [await r.header_value("Idempotency-Key") for r in requests.to(INIT)]
    assert first != second
