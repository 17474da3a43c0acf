"""A real browser in front of a proxy."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from app.http.security_headers import SECURITY_HEADERS
from tests.browser.gallery import new_username
from tests.browser.witness import Witness
from tests.processes.payer import deliver, http_client, until, webhook
from tests.proxies.conftest import StartProxy
from tests.proxies.front import Front
from tests.proxies.sockets import connections_of, let_go
from tests.services import PASSWORD, Service, StartService

pytestmark = [pytest.mark.processes, pytest.mark.browser]

TABS = 8  # over HTTP/1.1, the streams of six would take every connection of the browser
SECONDS_MAX = 45
# Without our client, which would come back in its own way.
LISTEN = """
    (txRef) => {
      window.statuses = []; window.readyStates = [];
      window.source = new EventSource(`/api/topup/stream?tx_ref=${txRef}`);
      source.addEventListener("status-update", (event) =>
        statuses.push(JSON.parse(event.data).status));
      source.addEventListener("error", () => readyStates.push(source.readyState));
    }
"""
CONNECTING = 0


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Browser, proxy: Front) -> AsyncIterator[BrowserContext]:
    async with await visitor(browser, proxy) as context:
        yield context


async def visitor(browser: Browser, front: Front, bypass_csp: bool = True) -> BrowserContext:
    return await browser.new_context(
        base_url=front.url, ignore_https_errors=True, bypass_csp=bypass_csp, locale="vi-VN"
    )


async def until_seen(page: Page, condition: str) -> None:
    await page.wait_for_function(condition, polling=10, timeout=SECONDS_MAX * 1000)


async def open_topup(context: BrowserContext) -> dict[str, str]:
    """Of a new payer, whom `context` is from now on."""
    account = {"username": new_username(), "password": PASSWORD}
    assert (await context.request.post("/api/auth/register", data=account)).ok
    return await open_another(context)


async def open_another(context: BrowserContext) -> dict[str, str]:
    topup = await context.request.post("/api/topup/init", data={"amount": 50_000})
    assert topup.ok
    return dict(await topup.json())


async def test_an_event_source_outlives_a_restart_and_shows_the_payment(
    start_service: StartService, start_proxy: StartProxy, front: Front, browser: Browser
) -> None:
    service = start_service()
    start_proxy(service.address)
    async with await visitor(browser, front) as context:
        topup = await open_topup(context)
        page = await context.new_page()
        await page.goto("/wallet")
        await page.evaluate(LISTEN, topup["tx_ref"])
        await until_seen(page, "statuses.length === 1")
        service.stop()
        await until_seen(page, "readyStates.length >= 2")  # it ended; and was told to come back
        assert set(await page.evaluate("readyStates")) == {CONNECTING}
        start_service(bind=service.address)
        async with http_client(verify=front.trust) as payos:

            async def delivered() -> bool:  # as PayOS does, which tries again
                return await deliver(payos, front.url, body) == 200

            body = webhook(topup)
            await until(delivered)
        await until_seen(page, "statuses.at(-1) === 'confirmed'")


async def test_eight_tabs_that_stream_leave_the_site_usable_and_are_let_go(
    proxy: Front, service: Service, context: BrowserContext
) -> None:
    topups = [await open_topup(context)]  # one for each tab: those of the same share a stream
    topups += [await open_another(context) for _ in range(TABS - 1)]
    tabs = []
    for topup in topups:
        tabs.append(await context.new_page())
        await tabs[-1].goto(f"/wallet/topup/{topup['tx_ref']}")
        await expect(tabs[-1].locator(".slip")).to_have_attribute("data-connection", "live")
    page = await context.new_page()
    await page.goto("/wallet")
    [protocol] = await page.evaluate(
        "performance.getEntriesByType('navigation').map((entry) => entry.nextHopProtocol)"
    )
    assert protocol == "h2"
    before = connections_of(service)
    assert len(before) >= TABS
    for tab in tabs:
        await tab.close()
    await let_go(service, before, TABS)


async def test_the_pages_work_under_their_own_policy(proxy: Front, browser: Browser) -> None:
    witness = Witness()
    async with await visitor(browser, proxy, bypass_csp=False) as context:
        await witness.watch(context)
        topup = await open_topup(context)
        page = await context.new_page()
        answer = await page.goto(f"/wallet/topup/{topup['tx_ref']}")
        await expect(page.locator(".slip")).to_have_attribute("data-connection", "live")
        assert answer is not None
        names = [header["name"].lower() for header in await answer.headers_array()]
        expected = ["strict-transport-security", *(name.lower() for name, _ in SECURITY_HEADERS)]
        assert {name: names.count(name) for name in expected} == dict.fromkeys(expected, 1)
    assert witness.complaints == []
