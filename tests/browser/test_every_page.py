"""Every page, in both sizes, both themes and both languages."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, ViewportSize

from tests.browser.gallery import fill, register
from tests.browser.witness import Witness
from tests.npm import node_modules
from tests.payments import Process
from tests.services import Service

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 360, "height": 800}
DESKTOP: ViewportSize = {"width": 1280, "height": 840}
AXE = Path(__file__).parent / "axe"
VIOLATIONS = """
    async () => (await axe.run()).violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target }) => `${id}: ${target}`))
"""
WIDER = "() => Math.max(0, document.documentElement.scrollWidth - innerWidth)"


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    """The source of axe-core, which looks for what shuts people out."""
    cache = pytestconfig.cache
    assert cache is not None
    return (node_modules(AXE, cache.mkdir("axe")) / "axe-core" / "axe.min.js").read_text("utf-8")


@pytest.mark.parametrize("language", ["vi-VN", "en-GB"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_axe_finds_no_violation_and_nothing_sticks_out(
    service: Service,
    process: Process,
    browser: Browser,
    axe: str,
    size: ViewportSize,
    theme: Literal["light", "dark"],
    language: str,
) -> None:
    context = await browser.new_context(viewport=size, color_scheme=theme, locale=language)
    witness = Witness()
    await witness.watch(context)
    page = await context.new_page()
    found = {}

    async def inspect(address: str) -> None:
        await page.goto(address)
        for past in await page.locator("details").all():
            await past.locator("summary").click()
        await page.evaluate(axe)
        found[address] = await page.evaluate(VIOLATIONS), await page.evaluate(WIDER)

    await inspect(f"{service.url}/login")
    await inspect(f"{service.url}/register")
    await register(service, context)
    await inspect(f"{service.url}/wallet")
    for address in (await fill(service, context, process)).values():
        await inspect(address)
    for path in ("/wallet", "/wallet/topup", "/wallet/topup/T00000000"):
        await inspect(f"{service.url}{path}")
    await context.close()
    assert {address: faults for address, faults in found.items() if faults != ([], 0)} == {}
    assert witness.complaints == []
