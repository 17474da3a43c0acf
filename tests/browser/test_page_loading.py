"""static/load-page.js: what a page gets of another one of ours."""

import pytest
from playwright.async_api import BrowserContext

from tests.browser.scripted_site import CUT, Site

pytestmark = pytest.mark.browser

TITLE = "async (path) => (await (await import('/static/load-page.js')).loadPage(path))?.title"


async def test_a_page_that_is_whole_is_a_document(site: Site, phone: BrowserContext) -> None:
    site.files["/whole.html"] = "<!doctype html><title>Ví của tôi</title>".encode()
    page = await site.open(phone)
    assert await page.evaluate(TITLE, "/whole.html") == "Ví của tôi"


async def test_a_page_that_is_cut_off_is_none(site: Site, phone: BrowserContext) -> None:
    page = await site.open(phone)
    assert await page.evaluate(TITLE, CUT) is None
