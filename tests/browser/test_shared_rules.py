"""What Python and JavaScript both decide, they decide alike."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import BrowserContext

from app.model import EventType, Status, TopupUpdate, TxRef
from app.representations import status_update
from app.texts import clock, dong
from app.web.pages import live_sentence
from tests.browser.scripted_site import Site

pytestmark = pytest.mark.browser

NOW = datetime.now(UTC)
AMOUNTS = [0, 1, 999, 1_000, 50_000, 999_999, 100_000_000, 9_007_199_254_740_991]
LEFT = {
    -5_000: "0:00",
    0: "0:00",
    1: "0:01",
    9_001: "0:10",
    60_000: "1:00",
    899_999: "15:00",
    3_600_000: "1:00:00",
    90_061_000: "25:01:01",
}
"""Milliseconds, as a clock has them."""

WRITTEN = {
    "50000": 50_000,
    "50.000": 50_000,
    "50,000": 50_000,
    "50 000": 50_000,
    " 50.000 ₫ ": 50_000,
    "50.000đ": 50_000,
    "100.000.000": 100_000_000,
    "0": 0,
    "": None,
    "abc": None,
    "1.5": None,
    "50.00": None,
    "50.000,5": None,
    "1.234,567": None,
    "-50000": None,
    "1e9": None,
    "0x10": None,
    "٥٠٠٠٠": None,
}


async def test_amounts_are_written_as_the_server_writes_them(
    site: Site, phone: BrowserContext
) -> None:
    page = await site.open(phone)
    written = await page.evaluate(
        "async (amounts) => amounts.map((await import('/static/money.js')).dong)", AMOUNTS
    )
    assert written == [dong(amount) for amount in AMOUNTS]


async def test_amounts_are_read_as_people_write_them(site: Site, phone: BrowserContext) -> None:
    page = await site.open(phone)
    read = await page.evaluate(
        "async (texts) => texts.map((await import('/static/money.js')).parseDong)", list(WRITTEN)
    )
    assert dict(zip(WRITTEN, read, strict=True)) == WRITTEN


async def test_what_is_left_is_written_as_the_server_writes_it(
    site: Site, phone: BrowserContext
) -> None:
    page = await site.open(phone)
    written = await page.evaluate(
        "async (all) => all.map((await import('/static/countdown.js')).clock)", list(LEFT)
    )
    assert dict(zip(LEFT, written, strict=True)) == LEFT
    assert [clock(timedelta(milliseconds=left)) for left in LEFT] == written


async def test_the_page_says_the_sentence_that_the_server_says(
    site: Site, phone: BrowserContext
) -> None:
    updates = [
        TopupUpdate(
            tx_ref=TxRef("T00000000"),
            seq=2,
            type=EventType.TOPUP_LINKED,
            status=status,
            amount=50_000,
            amount_paid=paid,
            late=late,
            under_review=under_review,
            final=False,
            wallet_balance=0,
            confirmed_at=None,
            expires_at=NOW + timedelta(hours=hours),
            recorded_at=NOW,
            read_at=NOW,
        )
        for under_review, status, paid, late, hours in itertools.product(
            [False, True],
            Status,
            [0, 50_000],
            [False, True],
            [-1, 1],
        )
    ]
    page = await site.open(phone)
    said = await page.evaluate(
        """async ([all, now]) => {
          const { sentenceFor } = await import("/static/topup-slip.js");
          return all.map((update) => sentenceFor(update, now));
        }""",
        [[status_update(update) for update in updates], NOW.timestamp() * 1000],
    )
    assert said == [live_sentence(update, NOW) for update in updates]
