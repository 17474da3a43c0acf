"""The payer comes back from the bank's app: one status request, then the stream."""

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.browser.scripted_site import STATUS, STREAM, Site, frame, says, update
from tests.browser.stream_page import StreamPage, open_page

pytestmark = pytest.mark.browser

NO_NETWORK = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}


@pytest_asyncio.fixture(loop_scope="session")
async def page(site: Site, phone: BrowserContext) -> StreamPage:
    """One that hears its stream."""
    site.stream.append(says("retry: 1\n\n" + frame(1)))
    page = await open_page(site, phone, update(1))
    await page.until_shown("live")
    return page


@pytest.mark.parametrize(
    "events", [("visible",), ("online",), ("pagehide", "pageshow"), ("freeze", "resume")]
)
async def test_each_way_back_asks_once_and_then_streams(
    site: Site, page: StreamPage, events: tuple[str, ...]
) -> None:
    site.status.append((200, update(2)))
    site.stream.append(says(frame(3)))
    await page.happens(*events)
    await page.until_told(3)
    assert await page.told() == [2, 3]
    assert site.asked == {STREAM: 2, STATUS: 1}
    await site.only_stream()


async def test_all_signs_of_a_return_together_are_one_return(site: Site, page: StreamPage) -> None:
    site.status.append((200, update(2)))
    site.stream.append(says(frame(3)))
    await page.happens("freeze", "pagehide", "resume", "pageshow", "visible", "online", "focus")
    await page.until_told(3)
    assert site.asked == {STREAM: 2, STATUS: 1}


async def test_a_network_that_is_back_is_used_at_once(site: Site, phone: BrowserContext) -> None:
    page = StreamPage(await site.open(phone))
    await page.hold_the_clock()  # or it may find the network before it is told of it
    site.stream.append(says("retry: 1\n\n" + frame(1)))
    await page.start(update(1))
    await page.until_shown("live")
    devtools = await phone.new_cdp_session(page.page)
    await devtools.send("Network.enable")
    await devtools.send("Network.emulateNetworkConditions", NO_NETWORK)
    (await site.only_stream()).end()
    await page.until_went("asking asked down")
    site.status.append((200, update(2)))
    site.stream.append(says(frame(3, final=True)))
    await devtools.send("Network.emulateNetworkConditions", NO_NETWORK | {"offline": False})
    await page.until_told(3)
    assert await page.told() == [2, 3]


async def test_a_return_to_a_server_that_does_not_answer_tries_the_stream(
    site: Site, phone: BrowserContext
) -> None:
    page = StreamPage(await site.open(phone))
    await page.hold_the_clock()
    await page.start(update(1))
    await site.until_asked(STREAM, 1)
    await page.happens("visible")
    await site.until_asked(STATUS, 1)
    site.stream.append(says(frame(2)))
    await page.skip(10)
    await page.until_told(2)


async def test_a_page_from_the_back_forward_cache_streams_again(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(says(frame(1)))
    page = await open_page(site, phone, update(1))
    await page.until_shown("live")
    await page.page.goto(f"http://127.0.0.1:{site.port}/elsewhere")
    await site.until(lambda: site.open_streams == [])
    site.status.append((200, update(2)))
    site.stream.append(says(frame(3, final=True)))
    await page.page.go_back(wait_until="commit")
    await page.until_told(3)
    assert await page.told() == [2, 3]
    assert await page.told("went") != []
    assert site.asked == {STREAM: 2, STATUS: 1}
