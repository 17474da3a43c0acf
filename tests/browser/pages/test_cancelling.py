"""A payer calls a top-up off on its page, or thinks better of it."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.gallery import register
from tests.browser.payer import agree_to_cancel, follow, open_checkout
from tests.browser.witness import Requests, shifted
from tests.services import Service

pytestmark = pytest.mark.browser

CANCEL = "/api/topup/cancel"
WAITING = "Đang chờ chuyển khoản"


@pytest_asyncio.fixture(loop_scope="session")
async def page(service: Service, phone: BrowserContext) -> AsyncIterator[Page]:
    """Watches a top-up that waits for money."""
    await register(service, phone)
    page = await phone.new_page()
    await follow(service, page)
    yield page


def offer(page: Page) -> Locator:
    return page.get_by_role("button", name="Huỷ lần nạp này")


def state(page: Page) -> Locator:
    return page.get_by_role("status")


async def test_who_cancels_twice_over_sees_it_cancelled_and_the_button_gone(page: Page) -> None:
    requests = Requests(page)
    shifted_before = await shifted(page)
    await agree_to_cancel(page)
    await expect(state(page)).to_contain_text("Lần nạp này đã huỷ")
    await expect(offer(page)).to_be_hidden()
    await expect(page.locator("h1")).to_be_focused()
    assert len(requests.to(CANCEL)) == 1
    assert requests.to("/api/topup/status") == []
    assert await shifted(page) == shifted_before
    await page.reload()
    await expect(state(page)).to_contain_text("Lần nạp này đã huỷ")
    await expect(offer(page)).to_be_hidden()


@pytest.mark.parametrize("answer", ["Escape", "Enter"])
async def test_who_escapes_or_keeps_it_cancels_nothing(page: Page, answer: str) -> None:
    requests = Requests(page)
    await offer(page).focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("tiền vẫn vào ví")
    await expect(page.get_by_role("button", name="Giữ lại")).to_be_focused()
    await page.keyboard.press(answer)
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(offer(page)).to_be_focused()
    await expect(offer(page)).to_have_attribute("aria-busy", "false")
    await expect(state(page)).to_contain_text(WAITING)
    assert requests.to(CANCEL) == []


async def test_a_yes_said_once_does_not_answer_the_next_question(page: Page) -> None:
    await page.route(f"**{CANCEL}", lambda route: route.abort(), times=1)
    await agree_to_cancel(page)
    fault = page.locator('[data-fault="form"]')
    await expect(fault).to_have_text("Chưa huỷ được, hãy thử lại.")
    requests = Requests(page)
    await offer(page).click()
    await page.keyboard.press("Escape")
    await expect(offer(page)).to_have_attribute("aria-busy", "false")
    await expect(fault).to_be_empty()
    assert requests.to(CANCEL) == []


async def test_what_stays_open_is_told_and_can_be_asked_again(page: Page) -> None:
    """PayOS may say that it is paid, and tell no transfer."""
    still_open = {"status": "pending"}
    await page.route(f"**{CANCEL}", lambda route: route.fulfill(json=still_open), times=1)
    await agree_to_cancel(page)
    await expect(page.locator('[data-fault="form"]')).to_have_text("Chưa huỷ được, hãy thử lại.")
    await expect(offer(page)).to_have_attribute("aria-busy", "false")
    await agree_to_cancel(page)
    await expect(state(page)).to_contain_text("Lần nạp này đã huỷ")


async def test_whose_login_has_ended_is_asked_to_log_in_again(page: Page) -> None:
    watched = urlsplit(page.url).path
    await page.context.clear_cookies()  # the stream was there before, and goes on
    await agree_to_cancel(page)
    await page.wait_for_url(f"**/login?next={watched}")


async def test_the_answer_is_shown_though_the_stream_is_away(page: Page) -> None:
    await page.route("**/api/topup/st*", lambda route: route.abort())
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "reconnecting")
    await agree_to_cancel(page)
    await expect(state(page)).to_contain_text("Lần nạp này đã huỷ")
    await expect(page.locator("h1")).to_be_focused()
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "reconnecting")


async def test_money_that_comes_meanwhile_answers_the_question(page: Page) -> None:
    checkout = await open_checkout(page)
    await offer(page).click()
    await checkout.get_by_role("button", name="Trả đủ").click()
    await expect(state(page)).to_contain_text("Đã nhận")
    await expect(page.get_by_role("dialog")).to_be_hidden()
    await expect(offer(page)).to_be_hidden()
