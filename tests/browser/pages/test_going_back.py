"""The Back button, with the browser's back/forward cache and without it."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Playwright, expect

from app.texts import dong
from tests.browser.gallery import register
from tests.browser.payer import order, pay
from tests.chromium import ARGUMENTS
from tests.services import Service

pytestmark = pytest.mark.browser

TWO_HOURS_AHEAD = "{ const { now } = Date; Date.now = () => now() + 2 * 3600 * 1000; }"
"""For `page.clock` the page would be told that nobody came back to it."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def forgetful_chromium(driver: Playwright, chromium: str) -> AsyncIterator[Browser]:
    """That of all tests keeps the cache: Playwright turns it off where it starts one."""
    async with await driver.chromium.launch(executable_path=chromium, args=ARGUMENTS) as browser:
        yield browser


@pytest.fixture(params=["cached", "evicted"])
def returning(request: pytest.FixtureRequest) -> Browser:
    name = {"cached": "browser", "evicted": "forgetful_chromium"}[request.param]
    browser: Browser = request.getfixturevalue(name)
    return browser


@pytest_asyncio.fixture(loop_scope="session")
async def page(returning: Browser, service: Service) -> AsyncIterator[Page]:
    """The wallet of a new payer."""
    async with await returning.new_context(locale="vi-VN") as context:
        await register(service, context)
        page = await context.new_page()
        await page.goto(f"{service.url}/wallet")
        yield page


async def log_out_and_go_back(page: Page) -> None:
    await page.get_by_role("button", name="Đăng xuất").click()
    await expect(page).to_have_url(re.compile(r"/login$"))
    await page.go_back(wait_until="commit")


async def order_and_pay(page: Page) -> None:
    await page.get_by_role("link", name="Nạp tiền").click()
    await order(page, "50000")
    await pay(page)
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "closed")


async def test_who_goes_back_after_logging_out_sees_no_wallet(page: Page) -> None:
    await log_out_and_go_back(page)
    await expect(page).to_have_url(re.compile(r"/login\?next="))


async def test_who_goes_back_after_logging_out_sees_no_topup_that_has_ended(page: Page) -> None:
    await order_and_pay(page)
    await log_out_and_go_back(page)
    await expect(page).to_have_url(re.compile(r"/login\?next="))


async def test_who_goes_back_to_the_wallet_sees_what_came_meanwhile(page: Page) -> None:
    await order_and_pay(page)
    await page.go_back(wait_until="commit")
    await expect(page.locator(".balance .sum")).to_have_text(dong(50_000))


async def test_who_goes_back_to_a_topup_that_has_ended_sees_the_balance_of_now(page: Page) -> None:
    await order_and_pay(page)
    await page.reload()
    await page.get_by_role("link", name="Về ví").click()
    await order_and_pay(page)
    await page.go_back()
    await page.go_back(wait_until="commit")
    await expect(page.locator('[data-part="balance"]')).to_have_text(dong(100_000))


async def test_who_goes_back_to_enter_an_amount_has_all_the_time_to_pay_it(
    service: Service, page: Page
) -> None:
    await page.add_init_script(TWO_HOURS_AHEAD)
    await page.goto(f"{service.url}/wallet/topup")
    await page.get_by_role("link", name="Ví của tôi").click()
    await page.go_back(wait_until="commit")
    await order(page, "50000")
    await expect(page.get_by_role("timer")).to_have_text(re.compile(r"^14:\d\d$"))
    await page.goto(f"{service.url}/wallet")
    await page.go_back(wait_until="commit")
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    await expect(page.get_by_role("timer")).to_have_text(re.compile(r"^14:\d\d$"))
