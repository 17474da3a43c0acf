"""What a payer does on the pages, up to the money."""

import re

from playwright.async_api import BrowserContext, Page, expect

from tests.browser.gallery import Opened, open_topup
from tests.services import Service

TOPUP_PAGE = re.compile(r"/wallet/topup/T[0-9A-Z]{8}$")


async def submit(page: Page, **fields: str) -> None:
    for field, text in fields.items():
        await page.locator(f"#{field}").fill(text)
    await page.locator("button[type=submit]").click()


async def enter_an_amount(service: Service, context: BrowserContext) -> Page:
    """The page where that is done; `context` is logged in."""
    page = await context.new_page()
    await page.goto(f"{service.url}/wallet/topup")
    return page


async def order(page: Page, amount: str = "50000", connection: str = "live") -> None:
    """Asks for a code to pay `amount`, until the page watches for the money."""
    await submit(page, amount=amount)
    await expect(page).to_have_url(TOPUP_PAGE)
    await expect(page.locator(".slip")).to_have_attribute("data-connection", connection)


async def follow(service: Service, page: Page) -> Opened:
    """A new top-up, on the screen and live."""
    topup = await open_topup(service, page.context)
    await page.goto(f"{service.url}/wallet/topup/{topup['tx_ref']}")
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    return topup


async def agree_to_cancel(page: Page) -> None:
    await page.get_by_role("button", name="Huỷ lần nạp này").click()
    await page.get_by_role("dialog").get_by_role("button", name="Có, huỷ").click()


async def open_checkout(page: Page) -> Page:
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name="Mở trang thanh toán").click()
    return await opened.value


async def pay(page: Page, button: str = "Trả đủ") -> None:
    """On PayOS's page, in another tab."""
    checkout = await open_checkout(page)
    await checkout.get_by_role("button", name=button).click()
    await checkout.get_by_text("webhook delivered").first.wait_for()
    await checkout.close()
