"""The tabs of a browser share one stream, over HTTP/1.1 with its six connections."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import BrowserContext

from tests.browser.scripted_site import (
    HELD,
    STATUS,
    STREAM,
    Site,
    error,
    frame,
    says,
    update,
)
from tests.browser.stream_page import LOCK, StreamPage, open_page, open_tabs
from tests.chromium import INSECURE_HOST

pytestmark = pytest.mark.browser

TELL = """
    ([name, update]) => {
      const channel = new BroadcastChannel(name);
      channel.postMessage({ update });
      channel.close();
    }
"""
HANG = f"""
    const asking = new XMLHttpRequest();
    asking.open("GET", "{HELD}", false);
    asking.send();
"""
# The clock of one tab is held until `skip`. Playwright's would stop every tab.
HOLD = """
    let [now, count] = [Date.now(), 0];
    const timers = new Map();
    Date.now = () => now;
    window.setTimeout = (then, ms = 0) => (timers.set(++count, { at: now + ms, then }), count);
    window.clearTimeout = (number) => timers.delete(number);
    window.skip = (seconds) => {
      const end = now + seconds * 1000;
      for (;;) {
        const [next] = [...timers].sort(([, one], [, other]) => one.at - other.at);
        if (!next || next[1].at > end) break;
        timers.delete(next[0]);
        now = next[1].at;
        next[1].then();
      }
      now = end;
    };
"""


@asynccontextmanager
async def hanging(site: Site, tab: StreamPage) -> AsyncIterator[None]:
    """Its scripts stand still, in the middle of one of them."""
    standing = asyncio.create_task(tab.page.evaluate(HANG))
    await site.until(lambda: site.held == 1)
    try:
        yield
        assert not standing.done()
    finally:
        site.let_go.set()
        await standing


@pytest.mark.parametrize("count", [2, 8])
async def test_tabs_share_one_stream_and_leave_the_site_usable(
    site: Site, phone: BrowserContext, count: int
) -> None:
    site.stream.append(says(frame(1)))
    tabs = await open_tabs(site, phone, count)
    await asyncio.gather(*(tab.until_shown("live") for tab in tabs))
    await asyncio.gather(*(tab.until_told(1) for tab in tabs))
    assert site.asked == {STREAM: 1, STATUS: 0}
    for tab in tabs:
        assert await tab.page.evaluate("fetch('/').then(({ ok }) => ok)")
    (await site.only_stream()).send(frame(2) + frame(3, final=True))
    await asyncio.gather(*(tab.until_shown("closed") for tab in tabs))
    assert [await tab.told() for tab in tabs] == [[1, 2, 3]] * count
    await site.until(lambda: site.open_streams == [])
    assert site.asked == {STREAM: 1, STATUS: 0}


async def test_a_reset_is_shared(site: Site, phone: BrowserContext) -> None:
    site.stream.append(says(frame(7)))
    tabs = await open_tabs(site, phone, 2)
    await tabs[1].until_told(7)
    (await site.only_stream()).send(frame(2, "reset") + frame(3, final=True))
    await asyncio.gather(*(tab.until_shown("closed") for tab in tabs))
    assert [await tab.told() for tab in tabs] == [[7, 2, 3]] * 2


async def test_a_final_reset_is_shared(site: Site, phone: BrowserContext) -> None:
    site.stream.append(says(frame(7)))
    tabs = await open_tabs(site, phone, 2)
    await tabs[1].until_told(7)
    (await site.only_stream()).send(frame(2, "reset", final=True))
    await asyncio.gather(*(tab.until_shown("closed") for tab in tabs))
    assert [await tab.told() for tab in tabs] == [[7, 2]] * 2
    assert site.asked == {STREAM: 1, STATUS: 0}


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_order_stream_polls_and_tabs_tell_in_each_tab_only_goes_forward(
    site: Site, phone: BrowserContext, seed: int
) -> None:
    chance = random.Random(seed)
    site.stream.append(says(frame(1)))
    tabs = await open_tabs(site, phone, 2)
    stream = await site.only_stream()
    news = [seq for seq in range(1, 31) for _ in range(2)]
    chance.shuffle(news)
    for seq in news:
        if chance.random() < 0.5:
            stream.send(frame(seq))
        else:  # the third tab heard of it
            await tabs[0].page.evaluate(TELL, [LOCK, update(seq)])
    stream.send(frame(31))
    for tab in tabs:
        await tab.until_told(31)
        told = await tab.told()
        assert told == sorted(set(told))


@pytest.mark.parametrize("end", ["close", "crash", "navigate", "stop"])
async def test_a_leader_that_ends_is_replaced(site: Site, phone: BrowserContext, end: str) -> None:
    site.stream.extend([says(frame(1)), says(frame(2))])
    leader, follower = await open_tabs(site, phone, 2)
    await follower.until_told(1)
    if end == "close":
        await leader.page.close()
    elif end == "crash":
        devtools = await phone.new_cdp_session(leader.page)
        crash = asyncio.create_task(devtools.send("Page.crash"))
        await leader.page.wait_for_event("crash")
        crash.cancel()
    elif end == "navigate":
        await leader.page.goto("about:blank")
    else:
        await leader.close()
    await follower.until_told(2)
    assert site.asked == {STREAM: 2, STATUS: 0}


async def test_a_leader_that_hangs_is_robbed_and_follows_when_it_wakes(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.extend([says(frame(1)), says(frame(2))])
    leader = await open_page(site, phone)
    await leader.until_shown("live")
    follower = StreamPage(await site.open(phone))
    await follower.page.evaluate(HOLD)
    await follower.start()
    await follower.until_told(1)
    async with hanging(site, leader):
        await follower.page.evaluate("skip(44.9)")
        assert await follower.told("went") == []
        await follower.page.evaluate("skip(0.1)")
        await follower.until_told(2)
    await leader.until_went("live stolen following")
    await leader.until_told(2)
    await site.only_stream()


async def test_a_new_tab_does_not_wait_45_s_for_a_leader_that_hangs(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.extend([says(frame(1)), says(frame(2))])
    leader = await open_page(site, phone)
    await leader.until_shown("live")
    follower = StreamPage(await site.open(phone))
    await follower.page.evaluate(HOLD)
    async with hanging(site, leader):
        await follower.start()
        await follower.page.evaluate("skip(10)")
        await follower.until_told(2)


async def test_only_the_leader_polls(site: Site, phone: BrowserContext) -> None:
    leader = StreamPage(await site.open(phone))
    await leader.hold_the_clock()
    await leader.start(update(1, stream=False))
    await leader.until_shown("polling")
    follower = StreamPage(await site.open(phone))
    await follower.start(update(1, stream=False))
    await follower.until_shown("polling")
    site.status.append((200, update(2, final=True)))
    await leader.skip(3)
    await asyncio.gather(leader.until_told(2), follower.until_told(2))
    assert site.asked == {STREAM: 0, STATUS: 1}


async def test_all_tabs_poll_while_the_server_is_full(site: Site, phone: BrowserContext) -> None:
    site.stream.append(says(frame(1)))
    tabs = await open_tabs(site, phone, 2)
    await tabs[1].until_shown("live")
    (await site.only_stream()).send(error("busy", 30))
    for tab in tabs:
        await tab.until_shown("polling")
        assert "reconnecting" not in await tab.told("connections")


async def test_a_tab_that_is_refused_the_lock_streams_for_itself(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(says(frame(1)))
    page = StreamPage(await site.open(phone))
    await page.page.evaluate("void (navigator.locks.request = () => Promise.reject(new Error()))")
    await page.start()
    await page.until_told(1)
    await page.close()
    await site.until(lambda: site.open_streams == [])


async def test_the_tab_that_the_payer_looks_at_takes_a_superseded_stream_back(
    site: Site, phone: BrowserContext
) -> None:
    site.otherwise = (200, update(1))
    site.stream.extend([says(frame(1)), says(frame(2))])
    leader, follower = await open_tabs(site, phone, 2)
    (await site.only_stream()).send(error("superseded"))
    await follower.until_shown("polling")
    await follower.happens("focus")
    await follower.until_told(2)
    await leader.until_told(2)
    await leader.until_shown("live")
    assert site.asked[STREAM] == 2


async def test_without_a_secure_context_each_tab_streams_for_itself(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.extend([says(frame(1)), says(frame(1))])
    tabs = [await open_page(site, phone, host=INSECURE_HOST) for _ in range(2)]
    for tab in tabs:
        await tab.until_shown("live")
        assert not await tab.page.evaluate("isSecureContext")
    assert site.asked == {STREAM: 2, STATUS: 0}
    await tabs[0].close()
    await site.only_stream()


async def test_two_superseded_tabs_do_not_evict_each_other(
    site: Site, phone: BrowserContext
) -> None:
    """With room for one stream: the newest has it, until somebody looks at the other."""
    site.otherwise = (200, update(1))
    tabs: list[StreamPage] = []
    for _ in range(2):
        site.stream.append(says(frame(1)))
        before = [*site.open_streams]
        tabs.append(await open_page(site, phone, host=INSECURE_HOST))
        await tabs[-1].until_shown("live")
        for stream in before:
            stream.send(error("superseded", 30))
    await tabs[0].until_shown("polling")
    await tabs[0].until_told(1)
    assert site.asked[STREAM] == 2
    await site.only_stream()
    assert await tabs[1].page.evaluate("stream.connection") == "live"
