"""A real Chromium: the one that NAPVI_TEST_CHROMIUM names, or the first one on the PATH.

- `browser`  without pages and without cookies
"""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, async_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
INSECURE_HOST = "napvi.test"  # leads to 127.0.0.1, and is no secure context
ARGUMENTS = (
    "--no-sandbox",  # Chromium refuses to run as root with it
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {INSECURE_HOST} 127.0.0.1",
)
REMEDY = "No Chromium found. Run `apt-get install chromium`, or set NAPVI_TEST_CHROMIUM to one."


@pytest.fixture(scope="session")
def chromium() -> str:
    named = os.environ.get("NAPVI_TEST_CHROMIUM")
    program = named or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(REMEDY, pytrace=False)
        pytest.skip(REMEDY)
    return program


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield browser
        await browser.close()
