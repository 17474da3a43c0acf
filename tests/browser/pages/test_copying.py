"""The account, the amount and the message, as they reach the app of a bank."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.gallery import AMOUNT, register
from tests.browser.payer import follow
from tests.services import Service

pytestmark = pytest.mark.browser

DENIED = "navigator.permissions.query({ name: 'clipboard-write' }).then(({ state }) => state)"
TAKE_AWAY = """
    window.clipboard = navigator.clipboard;
    if ({absent}) Object.defineProperty(navigator, "clipboard", {{ value: undefined }});
"""


@pytest_asyncio.fixture(loop_scope="session", params=["over plain HTTP", "in an app"])
async def page(
    request: pytest.FixtureRequest, service: Service, phone: BrowserContext
) -> AsyncIterator[Page]:
    """Watches a top-up where there is no clipboard to write to, or where that is refused."""
    absent = str(request.param == "over plain HTTP").lower()
    await phone.grant_permissions(["clipboard-read"])  # and no other
    await phone.add_init_script(TAKE_AWAY.format(absent=absent))
    await register(service, phone)
    page = await phone.new_page()
    await follow(service, page)
    assert await page.evaluate(DENIED) == "denied"
    yield page


async def test_what_the_clipboard_refuses_is_copied_all_the_same(page: Page) -> None:
    copy = page.get_by_role("button", name="Sao chép Số tiền")
    await copy.press("Enter")
    await expect(page.locator(".copied .done")).to_be_visible()
    await expect(page.locator(".transfer [aria-live]")).to_have_text("Đã sao chép: Số tiền")
    assert await page.evaluate("clipboard.readText()") == str(AMOUNT)
    await expect(page.locator('[data-part="due-copy"]')).to_be_focused()
    assert await page.evaluate("getSelection().isCollapsed")
    await expect(page.locator(".copied")).to_have_count(0)
    await expect(page.locator(".transfer [aria-live]")).to_be_empty()


async def test_what_cannot_be_copied_is_selected_and_not_called_copied(page: Page) -> None:
    await page.evaluate("void (document.execCommand = () => false)")
    await page.get_by_role("button", name="Sao chép Số tài khoản").press("Enter")
    number = await page.locator(".transfer b").first.inner_text()
    await page.wait_for_function("(number) => String(getSelection()) === number", arg=number)
    await expect(page.locator(".copied")).to_have_count(0)
