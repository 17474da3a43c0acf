"""Every transition of docs/browser.md, in a real browser."""

import re
from pathlib import Path

import pytest
from playwright.async_api import BrowserContext

from tests.browser.scene import CAUSES, OTHER_CAUSES, OTHER_WAYS, WAYS, Scene, live
from tests.browser.scripted_site import Site
from tests.browser.stream_page import StreamPage

pytestmark = pytest.mark.browser

DOCUMENT = Path(__file__).parents[2] / "docs" / "browser.md"
GROUP = re.compile(r"\*(\w+)\*")
STEP = re.compile(r"`(\w+)` → `(\w+)`")


def documented() -> dict[str, dict[str, str]]:
    """{state: {event: next state}} as the table of the document says."""
    lines = DOCUMENT.read_text("utf-8").split("## States")[1].split("\n\n")[1].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    last = {row[0].strip("`*"): row[-1] for row in cells}

    def steps(text: str) -> dict[str, str]:
        found = dict(STEP.findall(text))
        for group in GROUP.findall(text):
            found |= steps(last[group])
        return found

    return {row[0].strip("`"): steps(row[-1]) for row in cells if row[0].startswith("`")}


async def test_the_module_has_the_documented_table(site: Site, phone: BrowserContext) -> None:
    page = await site.open(phone)
    table = await page.evaluate("async () => (await import('/static/topup-stream.js')).TRANSITIONS")
    assert table == documented()


@pytest.mark.parametrize("state", WAYS)
async def test_a_state_leads_where_the_table_says(
    phone: BrowserContext, site: Site, state: str, subtests: pytest.Subtests
) -> None:
    scene = Scene(site, StreamPage(await site.open(phone)), await site.open(phone))
    await scene.page.hold_the_clock()
    for event, following in documented()[state].items():
        with subtests.test(event):
            await scene.page.page.reload()
            await scene.other.reload()
            await site.start_anew()
            await OTHER_WAYS.get((state, event), WAYS[state])(scene)
            await OTHER_CAUSES.get((state, event), CAUSES[event])(scene)
            await scene.page.until_went(f"{state} {event} {following}")


async def test_a_closed_stream_stays_closed(site: Site, phone: BrowserContext) -> None:
    scene = Scene(site, StreamPage(await site.open(phone)), await site.open(phone))
    await live(scene)
    await scene.page.close()
    asked = dict(site.asked)
    went = await scene.page.told("went")
    await scene.page.happens("pagehide", "pageshow", "resume", "visible", "online", "focus")
    await scene.page.close()
    await scene.page.page.evaluate("fetch('/')")
    assert site.asked == asked
    assert await scene.page.told("went") == went
    await site.until(lambda: site.open_streams == [])
