"""A stock Firefox, which Playwright cannot drive: it wants commands that this one lacks.

Speaks WebDriver BiDi (https://w3c.github.io/webdriver-bidi): JSON messages over a WebSocket.
"""

import asyncio
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import Request, TextMessage

from app.processes import die_with_parent

SERVES = re.compile(rb"BiDi listening on ws://([\d.]+):(\d+)")
CAUGHT = "network.beforeRequestSent"
# Generous: a Firefox that starts on a busy machine answers its first command after many seconds.
START_SECONDS_MAX = ANSWER_SECONDS_MAX = SECONDS_MAX = 60
PREFERENCES = 'user_pref("intl.accept_languages", "vi");\n'


class Refused(Exception):
    """A command failed."""


class Bidi:
    """One WebSocket. `call` waits for the answer of a command."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._socket = WSConnection(ConnectionType.CLIENT)
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def open(self, host: str) -> asyncio.Task[None]:
        """Returns what reads for as long as the connection stands."""
        self._writer.write(self._socket.send(Request(host=host, target="/session")))
        self._socket.receive_data(await self._reader.readuntil(b"\r\n\r\n"))
        return asyncio.create_task(self._read())

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = self._send(method, params)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(ANSWER_SECONDS_MAX):
            told: dict[str, Any] = await answer
        if told["type"] != "success":
            raise Refused(told)
        return dict(told["result"])

    def _send(self, method: str, params: dict[str, Any]) -> int:
        number = next(self._numbers)
        message = json.dumps({"id": number, "method": method, "params": params})
        self._writer.write(self._socket.send(TextMessage(message)))
        return number

    async def _read(self) -> None:
        text = ""
        while chunk := await self._reader.read(65536):
            self._socket.receive_data(chunk)
            for event in self._socket.events():
                if not isinstance(event, TextMessage):
                    continue
                text += event.data
                if event.message_finished:
                    self._take(json.loads(text))
                    text = ""

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("method") == CAUGHT and message["params"]["isBlocked"]:
            self._send("network.failRequest", {"request": message["params"]["request"]["request"]})
        answer = self._waiting.pop(message.get("id", 0), None)
        if answer is not None and not answer.done():
            answer.set_result(message)


class FirefoxPage:
    def __init__(self, bidi: Bidi, context: str) -> None:
        self._bidi = bidi
        self._context = context

    async def goto(self, url: str) -> None:
        await self._bidi.call(
            "browsingContext.navigate", context=self._context, url=url, wait="complete"
        )

    async def evaluate(self, expression: str) -> Any:
        """A plain value of `expression`, or what it resolves to."""
        answer = await self._bidi.call(
            "script.evaluate",
            expression=expression,
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        assert answer["type"] == "success", answer
        return answer["result"].get("value")

    async def until(self, condition: str) -> None:
        async with asyncio.timeout(SECONDS_MAX):
            while not await self._holds(condition):  # noqa: ASYNC110 it is elsewhere
                await asyncio.sleep(0.01)

    async def _holds(self, condition: str) -> bool:
        """Nothing does while the page changes: then nobody can tell."""
        with suppress(Refused):
            return bool(await self.evaluate(f"Boolean({condition})"))
        return False

    async def submit(self, **fields: str) -> None:
        """Fills the fields of the page's form in, and presses its button."""
        for field, text in fields.items():
            await self.evaluate(f"document.querySelector('#{field}').value = {json.dumps(text)}")
        await self.evaluate("document.querySelector('main button[type=submit]').click()")

    async def cut_off(self, path: str) -> str:
        """From now on requests to `path` fail, until `let_through` gets what this returns."""
        await self._bidi.call("session.subscribe", events=[CAUGHT])
        added = await self._bidi.call(
            "network.addIntercept",
            phases=["beforeRequestSent"],
            contexts=[self._context],
            urlPatterns=[{"type": "pattern", "pathname": path}],
        )
        return str(added["intercept"])

    async def let_through(self, intercept: str) -> None:
        await self._bidi.call("network.removeIntercept", intercept=intercept)


@asynccontextmanager
async def running_firefox(program: str) -> AsyncIterator[Bidi]:
    """A Firefox with a profile of its own, in Vietnamese."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        (Path(profile) / "user.js").write_text(PREFERENCES, "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(program, "--headless", "--no-remote", "--profile", profile),
            *("--remote-debugging-port", "0", "about:blank"),
            env={**os.environ, "HOME": profile},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=die_with_parent(),
        )
        try:
            async with _connected(process) as bidi:
                await bidi.call("session.new", capabilities={})
                yield bidi
        finally:
            process.kill()
            await process.communicate()


@asynccontextmanager
async def open_page(bidi: Bidi) -> AsyncIterator[FirefoxPage]:
    """With cookies of its own."""
    user = (await bidi.call("browser.createUserContext"))["userContext"]
    created = await bidi.call("browsingContext.create", type="tab", userContext=user)
    yield FirefoxPage(bidi, created["context"])
    await bidi.call("browser.removeUserContext", userContext=user)


@asynccontextmanager
async def _connected(process: asyncio.subprocess.Process) -> AsyncIterator[Bidi]:
    assert process.stderr is not None
    async with asyncio.timeout(START_SECONDS_MAX):
        while not (serves := SERVES.search(await process.stderr.readline())):
            assert not process.stderr.at_eof(), "Firefox ended before it could be driven"
    host, port = serves[1].decode(), int(serves[2])
    reader, writer = await asyncio.open_connection(host, port)
    bidi = Bidi(reader, writer)
    reading = await bidi.open(f"{host}:{port}")
    try:
        yield bidi
    finally:
        writer.close()
        await reading
