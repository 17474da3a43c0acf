"""A site in the browser's own network layer: our scripts, and answers that a test wrote down."""

import asyncio
import json
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import BrowserContext, Page, Route

STATIC = Path(__file__).parents[2] / "app" / "static"
ADDRESS = "http://napvi.test"
SECONDS_MAX = 8  # less than the patience of a stream, so that it cannot pass for promptness
STREAM, STATUS = "/api/topup/stream", "/api/topup/status"


class Site:
    """`stream` and `status` answer their requests in turn; when none is left, they hang."""

    def __init__(self) -> None:
        self.stream: deque[tuple[int, str]] = deque()
        self.status: deque[tuple[int, object]] = deque()
        self.asked = {STREAM: 0, STATUS: 0}
        self._news = asyncio.Condition()

    async def open(self, context: BrowserContext) -> Page:
        """An empty page of the site."""
        await context.route(f"{ADDRESS}/**", self._answer)
        page = await context.new_page()
        await page.goto(f"{ADDRESS}/")
        return page

    async def until_asked(self, path: str, times: int) -> None:
        async with asyncio.timeout(SECONDS_MAX), self._news:
            await self._news.wait_for(lambda: self.asked[path] == times)

    async def _answer(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path in self.asked:
            async with self._news:
                self.asked[path] += 1
                self._news.notify_all()
        if path == STREAM and self.stream:
            status, body = self.stream.popleft()
            await route.fulfill(status=status, body=body, content_type="text/event-stream")
        elif path == STATUS and self.status:
            code, document = self.status.popleft()
            await route.fulfill(status=code, json=document)
        elif path.startswith("/static/"):
            await route.fulfill(path=STATIC / path.removeprefix("/static/"))
        elif path not in self.asked:
            await route.fulfill(
                body="<!doctype html><link rel=icon href=data:,>", content_type="text/html"
            )


def update(seq: int, **members: object) -> dict[str, object]:
    """What the tests need of a frame's data."""
    return {"seq": seq, "status": "pending", "final": False} | members


def frame(seq: int, event: str = "status-update", **members: object) -> str:
    return f"event: {event}\nid: {seq}\ndata: {json.dumps(update(seq, **members))}\n\n"
