"""What a TopupStream tells: each state once and in order, wherever it comes from."""

import gzip

import pytest
from playwright.async_api import BrowserContext

from tests.browser.scripted_site import (
    STATIC,
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

FAST = "retry: 1\n\n"


def test_the_module_is_under_4_kilobytes_compressed() -> None:
    assert len(gzip.compress((STATIC / "topup-stream.js").read_bytes())) < 4000


async def test_states_are_told_once_and_in_order(site: Site, phone: BrowserContext) -> None:
    site.stream.append(says_and_ends(FAST + frame(2) + frame(2) + frame(1) + frame(4)))
    site.stream.append(says(FAST + frame(3) + frame(5, final=True)))
    page = await open_page(site, phone)
    await page.until_shown("closed")
    assert await page.told() == [2, 4, 5]
    assert await page.page.evaluate("stream.state.seq") == 5
    assert site.asked == {STREAM: 2, STATUS: 0}


async def test_what_is_no_newer_changes_nothing(site: Site, phone: BrowserContext) -> None:
    """A page knows today's balance; a frame tells the balance of its time."""
    site.stream.append(says(frame(2, wallet_balance=1) + frame(1, wallet_balance=1)))
    page = await open_page(site, phone, update(2, wallet_balance=5))
    await page.until_shown("live")
    assert await page.page.evaluate("stream.state.wallet_balance") == 5
    assert await page.told() == []


async def test_any_state_replaces_one_without_a_place_in_the_order(
    site: Site, phone: BrowserContext
) -> None:
    """As the answer to the opening of a top-up is."""
    site.stream.append(says(frame(2)))
    page = await open_page(site, phone, {"status": "pending", "stream": True})
    await page.until_told(2)
    assert await page.page.evaluate("stream.state.seq") == 2


async def test_a_state_that_came_another_way_is_told_if_it_is_newer(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(says(frame(2)))
    page = await open_page(site, phone)
    await page.until_told(2)
    for seq in (1, 3, 3):
        await page.page.evaluate("(update) => stream.accept(update)", update(seq))
    assert await page.told() == [2, 3]
    assert site.asked == {STREAM: 1, STATUS: 0}


async def test_a_refusal_without_a_word_is_told_all_the_same(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(refuses(404))
    site.status.append((404, None))
    page = await open_page(site, phone)
    await page.until("problems.length === 1")
    assert await page.page.evaluate("stream.connection") == "closed"


async def test_a_healthy_run_makes_one_request(site: Site, phone: BrowserContext) -> None:
    page = StreamPage(await site.open(phone))
    await page.hold_the_clock()
    await page.start(update(1, stream=True))
    stream = await site.only_stream()
    stream.send(frame(1))
    await page.until_shown("live")
    for seq in range(2, 6):
        await page.skip(30)
        stream.send("event: heartbeat\ndata: {}\n\n" + frame(seq))
        await page.until_told(seq)
    stream.send(frame(6, final=True))
    await page.until_shown("closed")
    await page.skip(120)
    await page.page.evaluate("fetch('/')")
    assert await page.told() == [2, 3, 4, 5, 6]
    assert await page.told("connections") == ["live", "closed"]
    assert site.asked == {STREAM: 1, STATUS: 0}


async def test_a_known_end_asks_for_nothing(site: Site, phone: BrowserContext) -> None:
    page = await open_page(site, phone, update(3, final=True))
    assert await page.page.evaluate("stream.connection") == "closed"
    await page.happens("pageshow", "visible", "online")
    await page.page.evaluate("fetch('/')")
    assert site.asked == {STREAM: 0, STATUS: 0}


async def test_a_reset_starts_again_from_what_it_brings(site: Site, phone: BrowserContext) -> None:
    site.stream.append(says(frame(7) + frame(2, "reset") + frame(3, final=True)))
    page = await open_page(site, phone)
    await page.until_shown("closed")
    assert await page.told() == [7, 2, 3]


async def test_a_poll_that_answers_late_does_not_undo_the_stream(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(refuses(503))
    site.stream.append(says(frame(5)))
    page = StreamPage(await site.open(phone))
    await page.hold_the_clock()
    await page.start(update(2))
    await site.until_asked(STATUS, 1)  # and is not answered
    await page.skip(10)
    await page.until_went("asking asked down")
    await page.skip(1)
    await page.until_told(5)
    site.status.append((200, update(4)))
    await page.happens("visible")
    await page.until_went("following leads opening", 2)
    assert await page.told() == [5]


async def test_an_error_told_by_the_server_is_not_a_broken_stream(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(says(frame(1) + error("slow") + frame(2, final=True)))
    page = await open_page(site, phone)
    await page.until_shown("closed")
    assert await page.told("problems") == ["slow"]
    assert await page.told("connections") == ["live", "closed"]


async def test_a_login_that_ended_is_the_end(site: Site, phone: BrowserContext) -> None:
    site.stream.append(says(frame(1) + error("not_logged_in")))
    page = await open_page(site, phone)
    await page.until_shown("closed")
    assert await page.told("problems") == ["not_logged_in"]
    assert site.asked == {STREAM: 1, STATUS: 0}


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "not_logged_in"), (404, "topup_not_found"), (400, "invalid_request")],
)
async def test_a_refusal_for_good_is_told_with_its_reason(
    site: Site, phone: BrowserContext, status: int, code: str
) -> None:
    site.stream.append(refuses(status))
    site.status.append((status, {"code": code}))
    page = await open_page(site, phone)
    await page.until_shown("closed")
    assert await page.told("problems") == [code]
    assert site.asked == {STREAM: 1, STATUS: 1}


async def test_a_stream_that_had_ended_is_closed_by_its_last_state(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(refuses(204))
    site.status.append((200, update(4, final=True)))
    page = await open_page(site, phone)
    await page.until_shown("closed")
    assert await page.told() == [4]
    assert site.asked == {STREAM: 1, STATUS: 1}


async def test_an_end_without_a_new_state_ends_the_requests(
    site: Site, phone: BrowserContext
) -> None:
    site.stream.append(says(frame(4) + frame(3, final=True) + frame(4, final=True)))
    page = await open_page(site, phone, update(4))
    await page.until_shown("closed")
    assert await page.told() == []
    assert await page.page.evaluate("stream.state.final")
    assert site.asked == {STREAM: 1, STATUS: 0}


async def test_who_closes_it_while_it_tells_is_obeyed(site: Site, phone: BrowserContext) -> None:
    page = await open_page(site, phone)
    stream = await site.only_stream()
    await page.page.evaluate(
        "stream.addEventListener('transition', ({ detail }) => detail.to === 'asking' && "
        "stream.close())"
    )
    stream.refuse(503)
    await page.until_went("asking end closed")
    await page.page.evaluate("fetch('/')")
    assert site.asked == {STREAM: 1, STATUS: 0}
