"""A real Chromium: the one that NAPVI_TEST_CHROMIUM names, or the first one on the PATH.

One runs for all tests, as does the driver that Playwright speaks to it through; what a test does in
it happens in contexts, each with cookies of its own.

- `driver`   starts other browsers
- `browser`  without pages and without cookies
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright, expect

from app.processes import die_with_parent

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
# Playwright's own, without which pages are slower or stand still when nobody looks at them.
UNSEEN = (
    "--headless",
    "--hide-scrollbars",
    "--mute-audio",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--password-store=basic",
)
START_SECONDS_MAX = 60.0
expect.set_options(timeout=15_000)  # on a machine that does much else, 5 s may be too little
REMEDY = "No Chromium found. Run `apt-get install chromium`, or set NAPVI_TEST_CHROMIUM to one."


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests marked `browser` share the event loop of the driver, as do their fixtures."""
    for item in items:
        if item.get_closest_marker("browser") and item.get_closest_marker("asyncio"):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def chromium() -> str:
    named = os.environ.get("NAPVI_TEST_CHROMIUM")
    program = named or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(REMEDY, pytrace=False)
        pytest.skip(REMEDY)
    return program


@pytest.fixture(scope="session")
def devtools_url(chromium: str) -> Iterator[str]:
    """Where the Chromium of all tests listens; it ends with them."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            [
                *(chromium, *ARGUMENTS, *UNSEEN),
                *(f"--user-data-dir={profile}", "--remote-debugging-port=0", "about:blank"),
            ],
            env={**os.environ, "HOME": profile},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
        )
        try:
            port, path = _address(process, Path(profile, "DevToolsActivePort"))
            yield f"ws://127.0.0.1:{port}{path}"
        finally:
            process.kill()
            process.wait()


def _address(process: "subprocess.Popen[bytes]", file: Path) -> list[str]:
    """The port and the path that Chromium writes down when it listens."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists() and len(lines := file.read_text().splitlines()) == 2:
            return lines
        time.sleep(0.02)
    raise RuntimeError(f"Chromium does not listen; exit code {process.poll()}.")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def driver() -> AsyncIterator[Playwright]:
    """Starting it takes longer than most tests do."""
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def driven_chromium(driver: Playwright, devtools_url: str) -> Browser:
    return await driver.chromium.connect_over_cdp(devtools_url)


@pytest_asyncio.fixture(loop_scope="session")
async def browser(driven_chromium: Browser) -> AsyncIterator[Browser]:
    yield driven_chromium
    for context in driven_chromium.contexts[1:]:  # the first one is that of the browser itself
        await context.close()
