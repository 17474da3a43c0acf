"""static/topup-stream.js in a real browser, against answers that a test wrote down."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page

from tests.browser.scripted_site import SECONDS_MAX, STATUS, STREAM, Site, frame, update

pytestmark = pytest.mark.browser

FAST = "retry: 1\n\n"
OPEN = """
    async (initial) => {
      const { openTopupStream } = await import("/static/topup-stream.js");
      window.seqs = []; window.connections = []; window.problems = [];
      window.stream = openTopupStream("T00000000", {
        initial,
        onStatus: ({ seq }) => seqs.push(seq),
        onConnection: (connection) => connections.push(connection),
        onError: ({ code }) => problems.push(code),
      });
    }
"""
HIDE = """
    (hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }
"""
NOT_LOGGED_IN = (401, {"code": "not_logged_in"})
NOT_FOUND = (404, {"code": "topup_not_found"})


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
async def page(site: Site, phone: BrowserContext) -> AsyncIterator[Page]:
    page = await site.open(phone)
    yield page
    await page.evaluate("window.stream?.close()")


async def until(page: Page, condition: str) -> None:
    await page.wait_for_function(condition, polling=10, timeout=SECONDS_MAX * 1000)


async def told(page: Page, name: str = "seqs") -> list[Any]:
    return list(await page.evaluate(f"window.{name}"))


async def hold_the_clock(page: Page) -> None:
    """From now on the timers of the page wait for `skip`; the network does not."""
    await page.clock.install(time=0)
    await page.clock.pause_at(1)


async def skip(page: Page, seconds: float) -> None:
    """Lets this time pass at once, for the timers of the page."""
    await page.clock.run_for(int(seconds * 1000))


async def test_states_are_told_once_and_in_order(site: Site, page: Page) -> None:
    site.stream.append((200, FAST + frame(2) + frame(2) + frame(1) + frame(4)))
    site.stream.append((200, FAST + frame(3) + frame(5, final=True)))
    await page.evaluate(OPEN)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [2, 4, 5]
    assert await page.evaluate("stream.state.seq") == 5
    assert site.asked == {STREAM: 2, STATUS: 0}


async def test_a_state_that_the_page_has_is_not_told_again(site: Site, page: Page) -> None:
    site.stream.append((200, frame(3) + frame(4, final=True)))
    await page.evaluate(OPEN, update(3))
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [4]


async def test_a_finished_topup_opens_no_stream(site: Site, page: Page) -> None:
    await page.evaluate(OPEN, update(3, final=True))
    assert await page.evaluate("stream.connection") == "closed"
    assert site.asked[STREAM] == 0


async def test_a_reset_starts_again_from_what_it_brings(site: Site, page: Page) -> None:
    site.stream.append((200, frame(7) + frame(2, "reset") + frame(3, final=True)))
    await page.evaluate(OPEN)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [7, 2, 3]


async def test_an_error_told_by_the_server_is_not_a_broken_stream(site: Site, page: Page) -> None:
    superseded = 'event: error\ndata: {"code": "superseded"}\n\n'
    site.stream.append((200, superseded + frame(2, final=True)))
    await page.evaluate(OPEN)
    await until(page, "stream.connection === 'closed'")
    assert await told(page, "problems") == ["superseded"]
    assert await told(page, "connections") == ["connecting", "live", "closed"]


@pytest.mark.parametrize("reason", [NOT_LOGGED_IN, NOT_FOUND])
async def test_a_refusal_for_good_is_told_with_its_reason(
    site: Site, page: Page, reason: tuple[int, dict[str, str]]
) -> None:
    site.stream.append((reason[0], ""))
    site.status.append(reason)
    await page.evaluate(OPEN)
    await until(page, "stream.connection === 'closed'")
    assert await told(page, "problems") == [reason[1]["code"]]
    assert site.asked == {STREAM: 1, STATUS: 1}


async def test_a_refusal_for_now_is_tried_again(site: Site, page: Page) -> None:
    site.stream.extend([(503, ""), (502, ""), (200, frame(3, final=True))])
    site.status.extend([(503, {"code": "database_unavailable"}), (200, update(2))])
    await page.evaluate(OPEN)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [2, 3]
    assert await told(page, "problems") == []


async def test_a_stream_that_had_ended_is_closed_by_its_last_state(site: Site, page: Page) -> None:
    site.stream.append((204, ""))
    site.status.append((200, update(4, final=True)))
    await page.evaluate(OPEN)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [4]
    assert site.asked == {STREAM: 1, STATUS: 1}


async def test_an_end_without_a_new_state_ends_the_requests(site: Site, page: Page) -> None:
    await hold_the_clock(page)
    site.stream.append((204, ""))
    site.status.append((200, update(4, final=True)))
    await page.evaluate(OPEN, update(4))
    await until(page, "stream.connection === 'closed'")
    await skip(page, 120)
    await page.evaluate("fetch('/')")
    assert site.asked == {STREAM: 1, STATUS: 1}
    assert await page.evaluate("stream.state.final")
    assert await told(page) == []


async def test_an_end_without_a_new_state_ends_an_open_stream(site: Site, page: Page) -> None:
    site.stream.append((200, frame(4) + frame(3, final=True) + frame(4, final=True)))
    await page.evaluate(OPEN)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [4]
    assert await page.evaluate("stream.state.seq") == 4
    assert site.asked == {STREAM: 1, STATUS: 0}


async def test_the_browser_reconnects_first_and_then_we_do(site: Site, page: Page) -> None:
    await hold_the_clock(page)
    site.stream.extend([(200, FAST), (200, FAST)])
    await page.evaluate(OPEN)
    await until(page, "connections.join() === 'connecting,live,reconnecting,live,reconnecting'")
    site.stream.append((200, frame(2, final=True)))
    await page.evaluate("fetch('/')")
    assert site.asked[STREAM] == 2
    await skip(page, 2)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [2]
    assert site.asked == {STREAM: 3, STATUS: 0}


async def test_a_socket_that_never_answers_is_given_up(site: Site, page: Page) -> None:
    await hold_the_clock(page)
    await page.evaluate(OPEN)
    await site.until_asked(STREAM, 1)
    await skip(page, 10)
    await until(page, "stream.connection === 'reconnecting'")
    site.stream.append((200, frame(2, final=True)))
    await skip(page, 2)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [2]


async def test_a_reconnect_that_never_answers_is_given_up(site: Site, page: Page) -> None:
    await hold_the_clock(page)
    site.stream.append((200, FAST))
    await page.evaluate(OPEN)
    await until(page, "connections.at(-1) === 'reconnecting'")
    await site.until_asked(STREAM, 2)
    await skip(page, 44)
    site.stream.append((200, frame(2, final=True)))
    await skip(page, 3)
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [2]


@pytest.mark.parametrize(("seconds_away", "streams"), [(9, 1), (11, 2)])
async def test_a_page_that_was_away_for_long_connects_anew(
    site: Site, page: Page, seconds_away: int, streams: int
) -> None:
    await hold_the_clock(page)
    await page.evaluate(OPEN)
    await site.until_asked(STREAM, 1)
    await page.evaluate(HIDE, True)
    await page.evaluate(
        "(ms) => { const now = Date.now(); Date.now = () => now + ms }", seconds_away * 1000
    )
    await page.evaluate(HIDE, False)
    await page.evaluate("fetch('/')")
    await site.until_asked(STREAM, streams)
    assert site.asked[STATUS] == 0


async def test_a_stream_is_let_go_with_the_page_and_taken_up_with_it(
    site: Site, page: Page
) -> None:
    await page.evaluate(OPEN)
    await site.until_asked(STREAM, 1)
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    site.stream.append((200, frame(2, final=True)))
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [2]
    assert site.asked == {STREAM: 2, STATUS: 0}


async def test_a_network_that_is_back_is_used_at_once(site: Site, page: Page) -> None:
    await page.evaluate(OPEN)
    await site.until_asked(STREAM, 1)
    site.stream.append((200, frame(2, final=True)))
    await page.evaluate("dispatchEvent(new Event('online'))")
    await until(page, "stream.connection === 'closed'")
    assert await told(page) == [2]


async def test_after_close_nothing_opens_it_again(site: Site, page: Page) -> None:
    await page.evaluate(OPEN)
    await site.until_asked(STREAM, 1)
    await page.evaluate("stream.close(); stream.close()")
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    await page.evaluate("dispatchEvent(new Event('online'))")
    assert await told(page, "connections") == ["connecting", "closed"]
    assert site.asked == {STREAM: 1, STATUS: 0}
