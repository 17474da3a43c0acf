"""What a page did while a test looked at something else."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request

EXPECTED = "Failed to load resource"  # a 4xx that a test asks for is logged like an error
NOTE_SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.shifts += entry.value;
    }).observe({ type: "layout-shift", buffered: true });
"""


@dataclass
class Witness:
    """Of all pages of a context: what they complained about in the console."""

    complaints: list[str] = field(default_factory=list)

    async def watch(self, context: BrowserContext) -> None:
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        await context.add_init_script(NOTE_SHIFTS)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not message.text.startswith(EXPECTED):
            self.complaints.append(message.text)


class Requests:
    """What `page` asks its server for, from now on."""

    def __init__(self, page: Page) -> None:
        self._seen: list[Request] = []
        page.on("request", self._note)

    def to(self, path: str) -> list[Request]:
        return [request for request in self._seen if urlsplit(request.url).path == path]

    @property
    def navigations(self) -> list[str]:
        return [request.url for request in self._seen if request.is_navigation_request()]

    def _note(self, request: Request) -> None:
        self._seen.append(request)


async def shifted(page: Page) -> float:
    """How far things have moved by themselves since the page was loaded; 0 is perfect."""
    return float(await page.evaluate("window.shifts"))
