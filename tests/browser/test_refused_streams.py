"""What the server says when it ends or refuses a stream, and what the page does with it."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.gallery import AMOUNT, Opened, open_topup, paid, register
from tests.browser.witness import Requests
from tests.payments import Process
from tests.services import Service, StartService, environment_on

pytestmark = pytest.mark.browser

HALF = AMOUNT // 2
PATIENCE_MS = 60_000
"""Polls and attempts come the later the longer the way to them took: up to 15 s, and 60 s."""

POLLS = "Tự cập nhật vài giây một lần"
STREAM = "/api/topup/stream"
ONE_EACH = {"NAPVI_STREAMS_PER_USER_MAX": "1", "NAPVI_STREAM_SPARE_SECONDS": "0.1"}
ONE_SPARED = {
    "NAPVI_STREAMS_PER_USER_MAX": "1",
    "NAPVI_STREAM_SPARE_SECONDS": "60",
    "NAPVI_STREAM_BUSY_SECONDS": "2",
}
ONE_IN_ALL = {"NAPVI_STREAMS_PER_PROCESS_MAX": "1", "NAPVI_STREAM_BUSY_SECONDS": "2"}


@pytest.fixture
def environment(database_url: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Of the service; parametrized indirectly with what a test wants to be different."""
    return environment_on(database_url) | getattr(request, "param", {})


@pytest_asyncio.fixture(loop_scope="session")
async def desktop(browser: Browser) -> AsyncIterator[BrowserContext]:
    """Another device."""
    context = await browser.new_context(locale="vi-VN")
    yield context
    await context.close()


async def share_the_login(service: Service, mine: BrowserContext, other: BrowserContext) -> None:
    for cookie in await mine.cookies():
        await other.add_cookies(
            [{"name": cookie["name"], "value": cookie["value"], "url": service.url}]
        )


async def refused(service: Service, reason: str) -> float:
    """How many streams the service has refused for this reason."""
    async with httpx.AsyncClient(trust_env=False) as client:
        metrics = (await client.get(f"{service.url}/metrics")).text
    (line,) = re.findall(
        rf'^napvi_streams_refused_total{{reason="{reason}"}} (\S+)$', metrics, re.M
    )
    return float(line)


async def watch(service: Service, context: BrowserContext, topup: Opened) -> Page:
    page = await context.new_page()
    await page.goto(f"{service.url}/wallet/topup/{topup['tx_ref']}")
    return page


async def until(page: Page, connection: str) -> None:
    await expect(page.locator(".slip")).to_have_attribute(
        "data-connection", connection, timeout=PATIENCE_MS
    )


async def until_said(page: Page, sentence: str) -> None:
    await expect(page.locator(".slip")).to_have_attribute(
        "data-sentence", sentence, timeout=PATIENCE_MS
    )


@pytest.mark.parametrize("environment", [ONE_EACH], indirect=True)
async def test_the_device_that_is_looked_at_has_the_stream_and_the_other_polls(
    service: Service, process: Process, phone: BrowserContext, desktop: BrowserContext
) -> None:
    await register(service, phone)
    await share_the_login(service, phone, desktop)
    topup = await open_topup(service, phone)
    first = await watch(service, phone, topup)
    await until(first, "live")
    await first.wait_for_timeout(200)  # older than what is spared
    second = await watch(service, desktop, topup)
    await until(second, "live")
    await until(first, "polling")
    await expect(first.locator(".connection")).to_have_text(POLLS)
    requests = Requests(first)
    await process.store.append_events([paid(topup, HALF)])
    await until_said(first, "underpaid")
    assert requests.to(STREAM) == []

    await first.evaluate("dispatchEvent(new Event('focus'))")
    await until(first, "live")
    await until(second, "polling")
    await process.store.append_events([paid(topup, HALF)])
    await until_said(first, "confirmed")
    await until_said(second, "confirmed")


@pytest.mark.parametrize(
    ("environment", "reason"),
    [(ONE_IN_ALL, "busy"), (ONE_SPARED, "too_many")],
    indirect=["environment"],
)
async def test_who_finds_no_place_polls_and_streams_when_there_is_one(
    service: Service, process: Process, phone: BrowserContext, desktop: BrowserContext, reason: str
) -> None:
    await register(service, phone)
    topup = await open_topup(service, phone)
    if reason == "too_many":
        await share_the_login(service, phone, desktop)
        holding = await watch(service, desktop, topup)
    else:
        await register(service, desktop)
        holding = await watch(service, desktop, await open_topup(service, desktop))
    await until(holding, "live")
    page = await watch(service, phone, topup)
    await until(page, "polling")
    await expect(page.locator(".connection")).to_have_text(POLLS)
    await process.store.append_events([paid(topup, HALF)])
    await until_said(page, "underpaid")
    await expect(page.locator(".connection")).to_have_text(POLLS)
    assert await refused(service, reason) > 0
    await holding.close()
    await until(page, "live")
    await process.store.append_events([paid(topup, HALF)])
    await until_said(page, "confirmed")


async def test_a_stream_that_is_turned_off_and_on_again_is_followed(
    service: Service,
    start_service: StartService,
    environment: dict[str, str],
    process: Process,
    phone: BrowserContext,
) -> None:
    await register(service, phone)
    topup = await open_topup(service, phone)
    page = await watch(service, phone, topup)
    await until(page, "live")
    service.stop()
    environment["NAPVI_STREAM"] = "off"
    without = start_service(bind=service.address)
    await until(page, "polling")
    requests = Requests(page)
    await process.store.append_events([paid(topup, HALF)])
    await until_said(page, "underpaid")
    assert requests.to(STREAM) == []
    without.stop()
    environment["NAPVI_STREAM"] = "on"
    start_service(bind=service.address)
    await until(page, "live")
    await process.store.append_events([paid(topup, HALF)])
    await until_said(page, "confirmed")
