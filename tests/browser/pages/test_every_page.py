"""Every page, in both sizes, both themes and both languages."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from tests.browser.gallery import fill, open_topup, paid, register
from tests.browser.witness import Witness
from tests.npm import node_modules
from tests.payments import Process
from tests.services import Service

pytestmark = pytest.mark.browser

Theme = Literal["light", "dark"]

PHONE: ViewportSize = {"width": 360, "height": 800}
DESKTOP: ViewportSize = {"width": 1280, "height": 840}
LARGEST = 100_000_000
SEEN: dict[str, list[tuple[ViewportSize, Theme]]] = {
    "vi-VN": [(PHONE, "light"), (DESKTOP, "dark")],
    "en-GB": [(PHONE, "dark"), (DESKTOP, "light")],
}
"""By language. Each size, theme and language meets each other."""

SHOWN = """
    ([width, theme]) =>
      innerWidth === width && matchMedia(`(prefers-color-scheme: ${theme})`).matches
"""
AXE = Path(__file__).parents[1] / "axe"
VIOLATIONS = """
    async () => (await axe.run()).violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target }) => `${id}: ${target}`))
"""
WIDER = """
    () => {
      const overhangs = [...document.querySelectorAll(".row > .change")].map((amount) => {
        const text = document.createRange();
        text.selectNodeContents(amount);
        const row = amount.parentElement.getBoundingClientRect();
        return text.getBoundingClientRect().right - row.right;
      });
      const page = document.documentElement.scrollWidth - innerWidth;
      return Math.max(0, page, ...overhangs.map(Math.round));
    }
"""
"""By how many pixels the page is too wide, or an amount in a list."""


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    """The source of axe-core, which looks for what shuts people out."""
    cache = pytestconfig.cache
    assert cache is not None
    return (node_modules(AXE, cache.mkdir("axe")) / "axe-core" / "axe.min.js").read_text("utf-8")


async def refuse_an_amount(page: Page, address: str) -> None:
    await page.goto(address)
    await page.locator("#amount").fill("1")
    await page.locator("main button[type=submit]").click()
    await expect(page.locator('[data-fault="amount"]')).not_to_be_empty()


@asynccontextmanager
async def lost_connection(page: Page, address: str) -> AsyncIterator[None]:
    await page.route("**/api/topup/*", lambda route: route.abort())
    await page.goto(address)
    texts = json.loads(await page.locator(".slip").get_attribute("data-texts") or "")
    await expect(page.locator(".connection")).to_have_text(texts["reconnecting"])
    yield
    await page.unroute("**/api/topup/*")


async def ask_to_cancel(page: Page, address: str) -> None:
    await page.goto(address)
    await page.locator("#cancel button").click()
    await expect(page.get_by_role("dialog")).to_be_visible()


async def let_the_time_run_out(page: Page, address: str) -> None:
    await page.clock.install()
    await page.goto(address)
    await page.clock.fast_forward("15:01")
    await expect(page.locator(".slip")).to_have_attribute("data-sentence", "overdue")
    await page.clock.resume()


PLACEHOLDER = """
    (input) => {
      const { color, opacity } = getComputedStyle(input, "::placeholder");
      return [opacity, ...[color, getComputedStyle(input).backgroundColor]
        .map((color) => color.match(/\\d+/g).map(Number))];
    }
"""
READABLE = 4.5  # WCAG 2.2, 1.4.3


def luminance(color: list[int]) -> float:
    red, green, blue = (
        part / 3294.6 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in color
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_an_example_in_a_field_can_be_read(
    service: Service, browser: Browser, theme: Literal["light", "dark"]
) -> None:
    context = await browser.new_context(viewport=PHONE, color_scheme=theme)
    await register(service, context)
    page = await context.new_page()
    await page.goto(f"{service.url}/wallet/topup")
    opacity, *colors = await page.locator("#amount").evaluate(PLACEHOLDER)
    dark, light = sorted(map(luminance, colors))
    assert (opacity, (light + 0.05) / (dark + 0.05) >= READABLE) == ("1", True)
    await context.close()


@pytest.mark.parametrize(("width", "text"), [(360, "100%"), (320, "100%"), (360, "200%")])
async def test_large_amounts_and_large_text_stick_out_nowhere(
    service: Service, process: Process, browser: Browser, width: int, text: str
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 740})
    await register(service, context)
    page = await context.new_page()
    wider = {}
    topup = await open_topup(service, context, LARGEST)
    await process.store.append_events([paid(topup, LARGEST)])
    waiting = await open_topup(service, context, LARGEST)
    refs = topup["tx_ref"], waiting["tx_ref"]
    for path in ("/wallet", "/wallet/topup", *(f"/wallet/topup/{ref}" for ref in refs)):
        await page.goto(f"{service.url}{path}")
        await page.evaluate("(size) => { document.documentElement.style.fontSize = size }", text)
        wider[path] = await page.evaluate(WIDER)
    await context.close()
    assert {path: pixels for path, pixels in wider.items() if pixels} == {}


@pytest.mark.parametrize("language", SEEN)
async def test_axe_finds_no_violation_and_nothing_sticks_out(
    service: Service, process: Process, browser: Browser, axe: str, language: str
) -> None:
    context = await browser.new_context(locale=language)
    witness = Witness()
    await witness.watch(context)
    page = await context.new_page()
    found = {}

    async def inspect(address: str) -> None:
        await page.goto(address)
        for past in await page.locator("details").all():
            await past.locator("summary").click()
        await examine(address)

    async def examine(name: str) -> None:
        """Without loading it anew: only style sheets ask for the size and the theme."""
        await page.evaluate(axe)
        for size, theme in SEEN[language]:
            await page.set_viewport_size(size)
            await page.emulate_media(color_scheme=theme)
            await page.wait_for_function(SHOWN, arg=[size["width"], theme])
            faults = await page.evaluate(VIOLATIONS), await page.evaluate(WIDER)
            found[name, size["width"], theme] = faults

    await inspect(f"{service.url}/login")
    await inspect(f"{service.url}/register")
    await register(service, context)
    await inspect(f"{service.url}/wallet")
    addresses = await fill(service, context, process)
    for address in addresses.values():
        await inspect(address)
    for path in ("/wallet", "/wallet/topup", "/wallet/topup/T00000000", "/walet"):
        await inspect(f"{service.url}{path}")
    await refuse_an_amount(page, f"{service.url}/wallet/topup")
    await examine("an amount that cannot be")
    async with lost_connection(page, addresses["waiting"]):
        await examine("connection lost")
    await ask_to_cancel(page, addresses["waiting"])
    await examine("cancelling")
    await let_the_time_run_out(page, addresses["waiting"])
    await examine("overdue")
    await context.close()
    assert {where: faults for where, faults in found.items() if faults != ([], 0)} == {}
    assert witness.complaints == []
