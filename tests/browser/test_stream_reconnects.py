"""A stream that breaks, hangs or is refused comes back, and never gives up."""

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.browser.scripted_site import (
    STATUS,
    STREAM,
    Site,
    error,
    frame,
    refuses,
    says,
    says_and_ends,
    update,
)
from tests.browser.stream_page import StreamPage, open_page

pytestmark = pytest.mark.browser

HEARTBEAT = "event: heartbeat\ndata: {}\n\n"
UNAVAILABLE = (503, {"code": "database_unavailable"})
CYCLES = 100
EARLY_SECONDS = 0.05


@pytest_asyncio.fixture(loop_scope="session")
async def page(site: Site, phone: BrowserContext) -> StreamPage:
    """Its clock is held; Math.random is in the middle."""
    page = StreamPage(await site.open(phone))
    await page.hold_the_clock()
    await page.page.evaluate("Math.random = () => 0.5")
    return page


async def test_the_browser_reconnects_first_because_it_knows_the_last_id(
    site: Site, page: StreamPage
) -> None:
    site.stream.append(says_and_ends("retry: 1\n\n" + frame(3)))
    await page.start(update(1))
    await site.until_asked(STREAM, 2)
    stream = await site.only_stream()
    assert stream.last_event_id == "3"
    stream.send(frame(4))
    await page.until_told(4)
    assert await page.told() == [3, 4]
    assert site.asked == {STREAM: 2, STATUS: 0}


async def test_an_end_without_a_word_is_a_failure_also_after_a_reconnect(
    site: Site, page: StreamPage
) -> None:
    site.stream.extend([says_and_ends("retry: 1\n\n" + frame(3)), says_and_ends("retry: 1\n\n")])
    site.otherwise = UNAVAILABLE
    await page.start(update(1))
    await page.until_went("live empty asking")
    await page.until_went("asking asked down")
    assert site.asked == {STREAM: 2, STATUS: 1}


async def test_refusals_are_tried_again_later_and_later_but_for_ever(
    site: Site, page: StreamPage
) -> None:
    site.otherwise = UNAVAILABLE
    site.stream.extend(refuses(503) for _ in range(12))
    await page.start(update(1))
    for attempt, seconds in enumerate((0.75, 1.5, 3, 6, 12, 24, 45, 45, 45), 1):
        await page.until_went("asking asked down", attempt)
        await page.skip(seconds - EARLY_SECONDS)
        assert (await page.told("went")).count("down due opening") == attempt - 1
        await page.skip(EARLY_SECONDS)
        await page.until_went("down due opening", attempt)
        await site.until_asked(STREAM, attempt + 1)


async def test_backoffs_differ_between_browsers(site: Site, page: StreamPage) -> None:
    site.otherwise = UNAVAILABLE
    site.stream.append(refuses(503))
    await page.page.evaluate("Math.random = () => 0")
    await page.start(update(1))
    await page.until_went("asking asked down")
    await page.skip(0.5)
    await page.until_went("down due opening")


async def test_what_is_heard_makes_the_next_backoff_short(site: Site, page: StreamPage) -> None:
    site.otherwise = UNAVAILABLE
    site.stream.extend([refuses(503), refuses(503), says(frame(2)), refuses(503)])
    await page.start(update(1))
    await page.until_went("asking asked down", 1)
    await page.skip(0.75)
    await page.until_went("asking asked down", 2)
    await page.skip(1.5)
    await page.until_told(2)
    await page.skip(45)
    await page.until_went("live silent asking")
    await page.until_went("asking asked down", 3)
    await page.skip(0.75)
    await page.until_went("down due opening", 3)


async def test_a_socket_that_never_answers_is_given_up(site: Site, page: StreamPage) -> None:
    await page.start(update(1))
    hanging = await site.only_stream()
    site.status.append((200, update(2)))
    await page.skip(10)
    await page.until_told(2)
    await page.until_went("asking asked down")
    await site.until(lambda: hanging not in site.open_streams)
    site.stream.append(says(frame(3, final=True)))
    await page.skip(1)
    await page.until_told(3)
    assert site.asked == {STREAM: 2, STATUS: 1}


async def test_an_answer_that_a_proxy_holds_back_is_given_up(site: Site, page: StreamPage) -> None:
    site.stream.append(says(": nothing that script can see\n\n"))
    await page.start(update(1))
    await site.until_asked(STREAM, 1)
    await page.skip(10)
    await page.until_went("opening late asking")


async def test_silence_counts_from_the_last_word(site: Site, page: StreamPage) -> None:
    site.stream.append(says(frame(1)))
    await page.start(update(1))
    await page.until_shown("live")
    await page.skip(30)
    (await site.only_stream()).send(HEARTBEAT + frame(2))
    await page.until_told(2)
    await page.skip(44)
    assert await page.page.evaluate("stream.connection") == "live"
    await page.skip(1)
    await page.until_went("live silent asking")


async def test_silence_ends_though_the_clock_was_put_back(site: Site, page: StreamPage) -> None:
    site.stream.append(says(frame(1)))
    await page.start()
    await page.until_shown("live")
    await page.page.evaluate("{ const now = Date.now; Date.now = () => now() - 3600e3 }")
    await page.skip(45)
    await page.until_went("live silent asking")


async def test_a_watchdog_that_slept_asks_before_it_gives_a_stream_up(
    site: Site, page: StreamPage
) -> None:
    site.stream.append(says(frame(1)))
    await page.start(update(1))
    await page.until_shown("live")
    await page.page.clock.fast_forward(3600_000)  # the laptop was shut
    await page.until_went("live silent asking")
    await site.until_asked(STATUS, 1)
    (await site.only_stream()).send(HEARTBEAT)
    await page.until_went("asking event live")
    assert site.asked == {STREAM: 1, STATUS: 1}


@pytest.mark.parametrize("code", ["busy", "too_many", "unavailable"])
async def test_a_full_server_is_left_alone_for_as_long_as_it_asks(
    site: Site, page: StreamPage, code: str
) -> None:
    site.stream.append(says_and_ends("retry: 10000\n\n" + error(code, 12)))
    await page.start(update(1))
    await page.until_went(f"opening {code} down")
    await page.skip(11.5)
    await page.page.evaluate("fetch('/')")
    assert site.asked == {STREAM: 1, STATUS: 0}
    site.status.append((200, update(2)))
    await page.skip(0.5)
    await page.until_told(2)
    assert site.asked == {STREAM: 1, STATUS: 1}
    await page.skip(3)
    await site.until_asked(STREAM, 2)


async def test_a_hundred_cycles_leave_no_stream_behind(site: Site, phone: BrowserContext) -> None:
    page = await open_page(site, phone)
    await page.page.evaluate(
        """async (cycles) => {
          const { TopupStream } = await import("/static/topup-stream.js");
          stream.close();
          for (let cycle = 0; cycle < cycles; cycle++) {
            const one = new TopupStream("T00000000");
            if (cycle % 3) await new Promise((next) => setTimeout(next, cycle % 3));
            one.close();
          }
        }""",
        CYCLES,
    )
    await site.until(lambda: site.open_streams == [])


async def test_a_hundred_returns_leave_one_stream(site: Site, phone: BrowserContext) -> None:
    site.otherwise = (200, update(1))
    page = await open_page(site, phone)
    for _ in range(CYCLES):
        await page.happens("pagehide", "pageshow", "visible")
    await page.until("went.at(-1) === 'following leads opening'")
    await site.only_stream()
