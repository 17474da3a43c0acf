"""A phone that visits the pages."""

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, BrowserContext

from tests.browser.scripted_site import Site, scripted_site
from tests.browser.witness import Witness
from tests.payments import Process, open_process


@pytest_asyncio.fixture(loop_scope="session")
async def phone(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A phone without cookies, 360 px wide. Fails when a page complains in the console."""
    context = await browser.new_context(
        viewport={"width": 360, "height": 800},
        device_scale_factor=2,
        is_mobile=True,
        has_touch=True,
        locale="vi-VN",
    )
    witness = Witness()
    await witness.watch(context)
    yield context
    await context.close()
    assert witness.complaints == []


@pytest_asyncio.fixture(loop_scope="session")
async def process(database_url: str) -> AsyncIterator[Process]:
    """For what happens elsewhere, on the database of the service."""
    async with open_process(database_url) as process:
        yield process


@pytest_asyncio.fixture(loop_scope="session")
async def site() -> AsyncIterator[Site]:
    async with scripted_site() as site:
        yield site
