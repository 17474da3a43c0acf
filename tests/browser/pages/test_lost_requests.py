"""A request that is lost once, as in a lift, costs seconds: no code, no script, no history."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Route, expect

from app.texts import dong
from tests.browser.gallery import AMOUNT, open_topup, paid, register
from tests.browser.payer import follow, submit
from tests.payments import Process, linked, transfer
from tests.services import Service

pytestmark = pytest.mark.browser

NOTE_HISTORIES = """
    window.histories = [];
    new MutationObserver(() => histories.push(document.querySelectorAll("#history li").length))
      .observe(document.querySelector("#history"), { childList: true });
"""
BREAK_OFF = """
    const load = fetch;
    window.fetch = async (...request) => {
      const answer = await load(...request);
      if (String(request[0]).startsWith("/wallet/topup/T")) {
        window.fetch = load;
        answer.text = () => Promise.reject(new TypeError("network error"));
      }
      return answer;
    };
"""


@pytest_asyncio.fixture(loop_scope="session")
async def page(service: Service, phone: BrowserContext) -> AsyncIterator[Page]:
    """Of a payer who is logged in, at nothing yet."""
    await register(service, phone)
    yield await phone.new_page()


async def lose(route: Route) -> None:
    await route.abort()


@pytest.mark.parametrize("script", ["seen.js", "money.js", "topup-page.js"])
async def test_without_one_of_its_scripts_a_page_says_so_and_promises_nothing(
    service: Service, page: Page, script: str
) -> None:
    topup = await open_topup(service, page.context)
    await page.route(f"**/static/{script}", lose, times=1)
    await page.goto(f"{service.url}/wallet/topup/{topup['tx_ref']}")
    missing = page.get_by_role("alert")
    await expect(missing).to_contain_text("Trang này chưa tải đủ.")
    await expect(page.locator(".connection")).to_be_hidden()
    await expect(page.get_by_text("Kết quả hiện ở đây")).to_be_hidden()
    await missing.get_by_role("link", name="Tải lại trang").click()
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    await expect(page.locator(".missing")).to_be_hidden()


async def test_a_code_that_did_not_come_is_asked_for_again(
    service: Service, process: Process, page: Page
) -> None:
    me = await (await page.request.get(f"{service.url}/api/auth/me")).json()
    topup = await process.topup(AMOUNT, me["user_id"])
    address = f"{service.url}/wallet/topup/{topup.tx_ref}"
    await page.goto(address)
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    await page.route(address, lose, times=1)
    async with page.expect_event("requestfailed"):
        await process.store.append_events([linked(topup.tx_ref)])
    await expect(page.get_by_role("img", name="Mã VietQR")).to_be_visible()


async def test_a_picture_that_did_not_come_is_asked_for_again(service: Service, page: Page) -> None:
    await page.route("**/qr.svg", lose, times=1)
    await follow(service, page)
    code = page.locator(".frame img")
    await page.wait_for_function("(code) => code.naturalWidth > 0", arg=await code.element_handle())


async def test_money_that_comes_while_the_code_does_is_not_asked_for_again(
    service: Service, process: Process, page: Page
) -> None:
    me = await (await page.request.get(f"{service.url}/api/auth/me")).json()
    topup = await process.topup(AMOUNT, me["user_id"])
    address = f"{service.url}/wallet/topup/{topup.tx_ref}"
    await page.goto(address)
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
    made, told = asyncio.Event(), asyncio.Event()

    async def arrive_late(route: Route) -> None:
        answer = await route.fetch()
        made.set()
        await told.wait()
        await route.fulfill(response=answer)

    await page.route(address, arrive_late, times=1)
    await process.store.append_events([linked(topup.tx_ref)])
    await made.wait()
    await process.store.append_events([transfer(topup.order_code, 40_000)])
    await expect(page.get_by_role("status")).to_contain_text(f"còn thiếu {dong(60_000)}")
    told.set()
    await expect(page.locator('[data-part="due"]')).to_have_text(dong(60_000))
    await expect(page.locator('[data-part="due-copy"]')).to_have_attribute("data-copy", "60000")


async def test_a_history_that_comes_late_does_not_replace_a_newer_one(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    await page.locator("#history summary").click()
    await page.evaluate(NOTE_HISTORIES)
    made, told = asyncio.Event(), asyncio.Event()

    async def arrive_late(route: Route) -> None:
        """The first one."""
        answer = await route.fetch()
        if not made.is_set():
            made.set()
            await told.wait()
        await route.fulfill(response=answer)

    await page.route(f"**/wallet/topup/{topup['tx_ref']}", arrive_late)
    await process.store.append_events([paid(topup, 10_000)])
    await made.wait()
    await process.store.append_events([paid(topup, 20_000)])
    await expect(page.get_by_role("status")).to_contain_text(f"Đã nhận {dong(30_000)}")
    await page.evaluate("async () => void (await (await fetch(location.pathname)).text())")
    told.set()
    await page.wait_for_function("() => histories.length === 2")
    assert await page.evaluate("histories") == [3, 4]


async def test_a_history_that_did_not_come_is_asked_for_again(
    service: Service, process: Process, page: Page
) -> None:
    topup = await follow(service, page)
    await page.locator("#history summary").click()
    await page.route(f"**/wallet/topup/{topup['tx_ref']}", lose, times=1)
    await process.store.append_events([paid(topup, 10_000)])
    await expect(page.locator("#history li")).to_have_count(3)


async def test_a_page_that_breaks_off_is_loaded_anew(service: Service, page: Page) -> None:
    await page.goto(f"{service.url}/wallet/topup")
    await page.evaluate(BREAK_OFF)
    await submit(page, amount="50000")
    await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
