"""Pages that the system freezes behind another app, for real."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from tests.browser.devtools import Devtools, FreezablePage, freezing_chromium
from tests.browser.scripted_site import STATUS, STREAM, Site, frame, says, update
from tests.browser.stream_page import START, TX_REF
from tests.chromium import ARGUMENTS

pytestmark = pytest.mark.browser


OpenPage = Callable[[], Awaitable[FreezablePage]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def devtools(chromium: str) -> AsyncIterator[Devtools]:
    async with freezing_chromium(chromium, ARGUMENTS) as devtools:
        yield devtools


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(site: Site, devtools: Devtools) -> AsyncIterator[OpenPage]:
    """Opens one that hears its stream; closed when the test ends."""
    pages: list[FreezablePage] = []

    async def open_page() -> FreezablePage:
        page = await devtools.open(f"http://127.0.0.1:{site.port}/")
        pages.append(page)
        await page.evaluate(f"({START})(['{TX_REF}', null])")
        await page.until("stream.connection === 'live'")
        return page

    yield open_page
    for page in pages:
        await page.close()


async def test_who_paid_while_the_page_was_frozen_sees_it_as_soon_as_it_thaws(
    site: Site, open_page: OpenPage
) -> None:
    site.stream.append(says(frame(1)))
    page = await open_page()
    await page.freeze()
    await site.until(lambda: site.open_streams == [])
    site.status.append((200, update(2, final=True)))
    await page.thaw()
    await page.until("stream.connection === 'closed'")
    assert await page.evaluate("seqs") == [1, 2]
    assert site.asked == {STREAM: 1, STATUS: 1}


async def test_a_thawed_page_streams_again(site: Site, open_page: OpenPage) -> None:
    site.stream.extend([says(frame(1)), says(frame(3))])
    page = await open_page()
    await page.freeze()
    await site.until(lambda: site.open_streams == [])
    site.status.append((200, update(2)))
    await page.thaw()
    await page.until("stream.connection === 'live'")
    assert await page.evaluate("seqs") == [1, 2, 3]
    assert site.asked == {STREAM: 2, STATUS: 1}


async def test_a_frozen_leader_is_replaced_and_follows_when_it_thaws(
    site: Site, open_page: OpenPage
) -> None:
    site.otherwise = (200, update(2))
    site.stream.extend([says(frame(1)), says(frame(2))])
    leader, follower = await open_page(), await open_page()
    assert site.asked == {STREAM: 1, STATUS: 0}
    await leader.freeze()
    await follower.until("seqs.at(-1) === 2")
    await site.only_stream()
    await leader.thaw()
    await leader.until(
        "stream.connection === 'live' && went.at(-1) === 'returning asked following'"
    )
    (await site.only_stream()).send(frame(3, final=True))
    await leader.until("stream.connection === 'closed'")
    await follower.until("stream.connection === 'closed'")
    assert await leader.evaluate("seqs") == [1, 2, 3]
    assert site.asked == {STREAM: 2, STATUS: 1}
