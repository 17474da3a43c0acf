"""A page of the scripted site with one TopupStream in it, and what that told."""

import asyncio
from typing import Any

from playwright.async_api import BrowserContext, Page

from tests.browser.scripted_site import SECONDS_MAX, Site

TX_REF = "T00000000"
LOCK = f"napvi?tx_ref={TX_REF}"
START = """
    async ([txRef, initial]) => {
      const { TopupStream } = await import("/static/topup-stream.js");
      window.seqs = []; window.connections = []; window.problems = []; window.went = [];
      window.stream = new TopupStream(txRef, { initial });
      stream.addEventListener("status", ({ detail }) => seqs.push(detail.seq));
      stream.addEventListener("connection", ({ detail }) => connections.push(detail));
      stream.addEventListener("error", ({ detail }) => problems.push(detail.code));
      stream.addEventListener("transition", ({ detail }) =>
        went.push([detail.from, detail.event, detail.to].join(" ")));
    }
"""
HAPPENS = {
    "pagehide": "dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))",
    "pageshow": "dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))",
    "visible": "document.dispatchEvent(new Event('visibilitychange'))",
    "freeze": "document.dispatchEvent(new Event('freeze'))",
    "resume": "document.dispatchEvent(new Event('resume'))",
    "online": "dispatchEvent(new Event('online'))",
    "focus": "dispatchEvent(new Event('focus'))",
}


class StreamPage:
    """Waits for conditions of its page; `skip` lets time pass once `hold_the_clock` was called."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def start(self, initial: dict[str, object] | None = None) -> None:
        await self.page.evaluate(START, [TX_REF, initial])

    async def hold_the_clock(self) -> None:
        """From now on the timers of the page wait for `skip`; the network does not."""
        await self.page.clock.install(time=0)
        await self.page.clock.pause_at(60)  # not before now, however long the call was on its way

    async def skip(self, seconds: float) -> None:
        """Lets this time pass at once, for the timers of the page."""
        await self.page.clock.run_for(int(seconds * 1000))

    async def happens(self, *events: str) -> None:
        """In one task, as a browser does when a page comes back."""
        await self.page.evaluate(";".join(HAPPENS[event] for event in events))

    async def until(self, condition: str) -> None:
        """Asked from here: the page would ask by its own timers, which a test may hold."""
        async with asyncio.timeout(SECONDS_MAX):
            while not await self.page.evaluate(condition):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def until_shown(self, connection: str) -> None:
        await self.until(f"stream.connection === '{connection}'")

    async def until_told(self, seq: int) -> None:
        await self.until(f"seqs.at(-1) === {seq}")

    async def until_went(self, transition: str, times: int = 1) -> None:
        await self.until(f"went.filter((t) => t === '{transition}').length >= {times}")

    async def told(self, name: str = "seqs") -> list[Any]:
        return list(await self.page.evaluate(f"window.{name}"))

    async def close(self) -> None:
        await self.page.evaluate("stream.close()")


async def open_page(
    site: Site,
    context: BrowserContext,
    initial: dict[str, object] | None = None,
    host: str = "127.0.0.1",
) -> StreamPage:
    """A page that has started; with `initial` it knows a state already."""
    page = StreamPage(await site.open(context, host))
    await page.start(initial)
    return page


async def open_tabs(site: Site, context: BrowserContext, count: int) -> list[StreamPage]:
    """The first one leads."""
    first = await open_page(site, context)
    await first.until_shown("live")
    others = [open_page(site, context) for _ in range(count - 1)]
    return [first, *await asyncio.gather(*others)]
