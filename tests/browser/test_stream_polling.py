"""Status requests: only while there is no stream, fewer and fewer, and none after the end."""

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.browser.scripted_site import STATUS, STREAM, Site, error, frame, refuses, says, update
from tests.browser.stream_page import StreamPage

pytestmark = pytest.mark.browser

EARLY_SECONDS = 0.05
STEP_SECONDS = 3  # shorter than a status request may take: by then it has been sent
WITHOUT_STREAM = {"stream": False}


@pytest_asyncio.fixture(loop_scope="session")
async def page(site: Site, phone: BrowserContext) -> StreamPage:
    """Its clock is held; Math.random is in the middle."""
    page = StreamPage(await site.open(phone))
    await page.hold_the_clock()
    await page.page.evaluate("Math.random = () => 0.5")
    return page


async def test_without_the_flag_it_polls_from_3_s_to_15_s_and_never_streams(
    site: Site, page: StreamPage
) -> None:
    await page.start(update(1, **WITHOUT_STREAM))
    await page.until_shown("polling")
    for asked, seconds in enumerate((3, 4.5, 6.75, 10.125, 15, 15, 15)):
        site.status.append((200, update(asked + 2, **WITHOUT_STREAM)))
        await page.skip(seconds - EARLY_SECONDS)
        await page.page.evaluate("fetch('/')")
        assert site.asked[STATUS] == asked
        await page.skip(EARLY_SECONDS)
        await page.until_told(asked + 2)
    assert site.asked == {STREAM: 0, STATUS: 7}


async def test_polling_ends_with_the_final_state(site: Site, page: StreamPage) -> None:
    await page.start(update(1, **WITHOUT_STREAM))
    await page.until_shown("polling")
    site.status.append((200, update(2, final=True, **WITHOUT_STREAM)))
    await page.skip(3)
    await page.until_shown("closed")
    await page.skip(120)
    await page.page.evaluate("fetch('/')")
    assert await page.told() == [2]
    assert site.asked == {STREAM: 0, STATUS: 1}


async def test_the_end_of_a_review_is_told_once_and_no_older_answer_brings_it_back(
    site: Site, page: StreamPage
) -> None:
    """A person gave the money to another top-up: there is no newer state."""
    await page.start(update(2, under_review=True, **WITHOUT_STREAM))
    await page.until_shown("polling")
    for under_review, seconds in ((False, 3), (True, 4.5), (False, 6.75)):
        site.status.append((200, update(2, under_review=under_review, **WITHOUT_STREAM)))
        await page.skip(seconds)
        await page.until_told(2)
    site.status.append((200, update(3, under_review=False, **WITHOUT_STREAM)))
    await page.skip(10.125)
    await page.until_told(3)
    assert await page.told() == [2, 3]


async def test_polling_ends_with_the_login(site: Site, page: StreamPage) -> None:
    await page.start(update(1, **WITHOUT_STREAM))
    await page.until_shown("polling")
    site.status.append((401, {"code": "not_logged_in"}))
    await page.skip(3)
    await page.until_shown("closed")
    assert await page.told("problems") == ["not_logged_in"]


async def test_the_flag_turned_off_and_on_again_is_obeyed(site: Site, page: StreamPage) -> None:
    site.stream.extend([says(frame(1) + error("off")), says(frame(3))])
    await page.start(update(1, stream=True))
    await page.until_shown("polling")
    await site.until(lambda: site.open_streams == [])
    site.status.append((200, update(2, stream=False)))
    await page.skip(3)
    await page.until_told(2)
    site.status.append((200, update(2, stream=True)))
    await page.skip(4.5)
    await page.until_told(3)
    await page.until_shown("live")
    await page.skip(40)
    await page.page.evaluate("fetch('/')")
    assert site.asked == {STREAM: 2, STATUS: 2}


async def test_who_knows_no_state_asks_at_once(site: Site, page: StreamPage) -> None:
    site.stream.append(says(error("off")))
    site.status.append((200, update(1, **WITHOUT_STREAM)))
    await page.start()
    await page.until_went("opening off off")
    await page.skip(0)
    await page.until_told(1)


async def test_a_payment_shows_although_no_stream_can_be_opened(
    site: Site, page: StreamPage
) -> None:
    site.stream.extend(refuses(503) for _ in range(9))
    site.status.append((200, update(1)))
    await page.start(update(1))
    await page.until_went("asking asked down")
    site.status.append((200, update(2, final=True)))
    await page.skip(0.75)
    await page.until_told(2)
    assert site.asked == {STREAM: 2, STATUS: 2}


async def test_it_polls_while_it_waits_for_the_next_attempt(site: Site, page: StreamPage) -> None:
    site.otherwise = (200, update(1))
    site.stream.extend(refuses(503) for _ in range(4))
    await page.start(update(1))
    for attempt, seconds in enumerate((0.75, 1.5, 3, 0), 1):
        await page.until_went("asking asked down", attempt)
        await page.skip(seconds)
    asked = site.asked[STATUS]
    site.status.append((200, update(2)))
    await page.skip(4.6)
    await page.until_told(2)
    assert site.asked == {STREAM: 4, STATUS: asked + 1}


async def test_a_stream_that_works_again_ends_the_polling(site: Site, page: StreamPage) -> None:
    site.otherwise = (503, {})
    site.stream.extend([refuses(503), says(frame(2))])
    await page.start(update(1))
    await page.until_went("asking asked down")
    await page.skip(0.75)
    await page.until_shown("live")
    await page.skip(44)
    await page.page.evaluate("fetch('/')")
    assert site.asked == {STREAM: 2, STATUS: 1}


async def test_a_superseded_stream_polls_until_somebody_looks(site: Site, page: StreamPage) -> None:
    site.otherwise = (200, update(1))
    site.stream.extend([says("retry: 1\n\n" + frame(1) + error("superseded")), says(frame(2))])
    await page.start(update(1))
    await page.until_shown("polling")
    await site.until(lambda: site.open_streams == [])
    for asked in range(4):
        while site.asked[STATUS] == asked:
            await page.skip(STEP_SECONDS)
            await page.page.evaluate("fetch('/')")
    await page.skip(240)
    await page.page.evaluate("fetch('/')")
    assert site.asked[STREAM] == 1
    await page.happens("focus")
    await page.until_shown("live")
    assert site.asked[STREAM] == 2
