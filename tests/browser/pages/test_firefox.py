"""The core of it in Firefox, the one that NAPVI_TEST_FIREFOX names or the first on the PATH."""

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.browser.firefox import Bidi, FirefoxPage, open_page, running_firefox
from tests.browser.gallery import new_username
from tests.browser.scripted_site import STATUS, STREAM
from tests.services import PASSWORD, Service

pytestmark = pytest.mark.browser

PROGRAMS = ("firefox-esr", "firefox")
ABSENT = "No Firefox found. Run `apt-get install firefox-esr`, or set NAPVI_TEST_FIREFOX to one."
SLIP = "document.querySelector('.slip')?.dataset"
ASKED = "performance.getEntriesByType('resource').filter((e) => e.name.includes('{}')).length"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def firefox() -> AsyncIterator[Bidi]:
    named = os.environ.get("NAPVI_TEST_FIREFOX")
    program = named or next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(ABSENT, pytrace=False)
        pytest.skip(ABSENT)
    async with running_firefox(program) as firefox:
        yield firefox


@pytest_asyncio.fixture(loop_scope="session")
async def page(firefox: Bidi) -> AsyncIterator[FirefoxPage]:
    async with open_page(firefox) as page:
        yield page


async def log_in_and_order(page: FirefoxPage, service: Service) -> None:
    """What a payer does until there is a code to scan; `window.here` until a page is loaded."""
    account = {"username": new_username(), "password": PASSWORD}
    await post(f"{service.url}/api/auth/register", json=account)
    await page.goto(f"{service.url}/login?next=/wallet/topup")
    await page.submit(**account)
    await page.until("document.querySelector('#amount') && document.readyState === 'complete'")
    await page.evaluate("window.here = true")
    await page.submit(amount="50.000")
    await page.until(SLIP)


async def pay(page: FirefoxPage, amount: int) -> None:
    """At PayOS, which tells the service."""
    checkout = await page.evaluate("document.querySelector('.next a[target]').href")
    await post(f"{checkout}/pay", data={"amount": str(amount)})


async def post(url: str, **content: Any) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, **content)
    assert not answer.is_error, answer.text


async def test_a_payment_shows_by_the_stream_alone_and_without_a_reload(
    service: Service, page: FirefoxPage
) -> None:
    await log_in_and_order(page, service)
    await page.until(f"{SLIP}.connection === 'live'")
    assert await page.evaluate(f"{SLIP}.sentence") == "waiting"
    await pay(page, 50_000)
    await page.until(f"{SLIP}.sentence === 'confirmed' && {SLIP}.connection === 'closed'")
    assert "50.000" in await page.evaluate(
        "document.querySelector('[data-part=balance]').textContent"
    )
    assert await page.evaluate("window.here")
    assert await page.evaluate(ASKED.format(STATUS)) == 0


async def test_without_a_way_to_the_stream_it_polls_and_it_streams_again_when_there_is_one(
    service: Service, page: FirefoxPage
) -> None:
    blocked = await page.cut_off(STREAM)
    await log_in_and_order(page, service)
    await page.until(f"{SLIP}.connection === 'reconnecting'")
    await pay(page, 20_000)
    await page.until(f"{SLIP}.sentence === 'underpaid'")
    assert await page.evaluate(f"{SLIP}.connection") == "reconnecting"
    await page.let_through(blocked)
    await page.until(f"{SLIP}.connection === 'live'")
    asked = await page.evaluate(ASKED.format(STATUS))
    assert asked > 0
    await pay(page, 30_000)
    await page.until(f"{SLIP}.sentence === 'confirmed'")
    assert await page.evaluate(ASKED.format(STATUS)) == asked
    assert await page.evaluate("window.here")
