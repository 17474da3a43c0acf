"""A Chromium that hides and freezes its pages: Playwright keeps every page visible.

Speaks the DevTools protocol over a pipe: JSON messages, each ended by a zero byte.
"""

import asyncio
import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from app.processes import die_with_parent
from tests.browser.scripted_site import SECONDS_MAX
from tests.chromium import START_SECONDS_MAX

# Chromium reads from descriptor 3 and writes to descriptor 4.
PIPES = 'exec 3<&0 4>&1 "$@" >/dev/null 2>&1'


class Devtools:
    """One browser. `call` waits for the answer of a command."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading = asyncio.create_task(self._read())

    async def begun(self) -> None:
        """Returns when it listens to commands."""
        async with asyncio.timeout(START_SECONDS_MAX):
            await self._ask("Browser.getVersion")

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        async with asyncio.timeout(SECONDS_MAX):
            return await self._ask(method, session, **params)

    async def _ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\0")
        return await answer

    async def open(self, url: str) -> "FreezablePage":
        target = (await self.call("Target.createTarget", url=url))["targetId"]
        attached = await self.call("Target.attachToTarget", targetId=target, flatten=True)
        page = FreezablePage(self, attached["sessionId"])
        await page.until(f"location.href === '{url}' && document.readyState === 'complete'")
        return page

    async def close(self) -> None:
        self._process.kill()
        await self._process.wait()
        await self._reading

    async def _read(self) -> None:
        assert self._process.stdout is not None
        buffer = b""
        while chunk := await self._process.stdout.read(65536):
            *messages, buffer = (buffer + chunk).split(b"\0")
            for message in map(json.loads, messages):
                answer = self._waiting.pop(message.get("id"), None)
                if answer is not None and not answer.done():
                    answer.set_result(message.get("result") or message)


class FreezablePage:
    def __init__(self, devtools: Devtools, session: str) -> None:
        self._devtools = devtools
        self._session = session

    async def evaluate(self, expression: str) -> Any:
        """The value of `expression`, or what it resolves to; None while the page changes."""
        answer = await self._devtools.call(
            "Runtime.evaluate",
            self._session,
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer.get("result", {}).get("value")

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while not await self.evaluate(condition):  # noqa: ASYNC110 the page is elsewhere
                await asyncio.sleep(0.01)

    async def freeze(self) -> None:
        """As the system does with a page behind another app: hidden, then frozen."""
        await self._set_state("frozen")

    async def thaw(self) -> None:
        await self._set_state("active")

    async def show(self) -> None:
        """Thaws it, and makes it the one that the payer looks at."""
        await self.thaw()
        await self._devtools.call("Page.bringToFront", self._session)

    async def close(self) -> None:
        await self._devtools.call("Page.close", self._session)

    async def _set_state(self, state: str) -> None:
        await self._devtools.call("Page.setWebLifecycleState", self._session, state=state)


@asynccontextmanager
async def freezing_chromium(program: str, arguments: tuple[str, ...]) -> AsyncIterator[Devtools]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            *("sh", "-c", PIPES, "sh", program, "--headless=new", "--remote-debugging-pipe"),
            *(f"--user-data-dir={profile}", *arguments, "about:blank"),
            env={**os.environ, "HOME": profile},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent(),
        )
        devtools = Devtools(process)
        try:
            await devtools.begun()
            yield devtools
        finally:
            await devtools.close()
