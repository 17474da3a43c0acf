"""A stream as it is read over HTTP, message by message."""

import asyncio
from collections.abc import Callable

import httpx

from tests.stream.event_source import EventSource, Message
from tests.web.line import PATIENCE_SECONDS


class Stream:
    """The answer to a request for a stream; `response` for its status and headers."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.source = EventSource()
        self._chunks = response.aiter_bytes()

    @property
    def seqs(self) -> list[int]:
        """Of the status updates so far."""
        return [m.json["seq"] for m in self.source.messages if m.event == "status-update"]

    async def until(self, condition: Callable[[Message], bool]) -> Message:
        """The next message that fits. Raises StopAsyncIteration when the stream ends before."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                for message in self.source.feed(await anext(self._chunks)):
                    if condition(message):
                        return message

    async def until_seq(self, seq: int) -> Message:
        return await self.until(lambda message: message.json.get("seq") == seq)

    async def begun(self) -> None:
        """Returns when the first bytes are here."""
        self.source.feed(await anext(self._chunks))

    async def rest(self) -> list[Message]:
        """All messages up to the end of the stream."""
        before = len(self.source.messages)
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for chunk in self._chunks:
                self.source.feed(chunk)
        return self.source.messages[before:]
