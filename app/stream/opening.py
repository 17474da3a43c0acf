"""A request for a stream while Quart has it: the end of Quart's answer is not the stream's."""

from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    ASGIVersions,
    HTTPResponseStartEvent,
    HTTPScope,
)

from app.stream.frames import HEADERS
from app.stream.stream import Stream

STREAM = "napvi.stream"
"""In the `state` of the scope of a request: the Stream that it asks for."""

ASGI: ASGIVersions = {"spec_version": "2.1", "version": "3.0"}
START: HTTPResponseStartEvent = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()],
}
"""One object of each for all streams: the server keeps them for as long as each of them lasts."""


class Opening:
    """The ASGI events between the server and Quart."""

    __slots__ = ("_receive", "_scope", "_send", "left")

    def __init__(
        self, scope: HTTPScope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.left = False

    @property
    def asked(self) -> Stream | None:
        """What the handler asked for, if it came so far."""
        found = self._scope["state"].get(STREAM)
        return found if isinstance(found, Stream) else None

    @property
    def admitted(self) -> Stream | None:
        """The same, if it may be served."""
        asked = self.asked
        return None if asked is None or asked.user_id is None else asked

    async def receive(self) -> ASGIReceiveEvent:
        event = await self._receive()
        self.left = self.left or event["type"] == "http.disconnect"
        return event

    async def send(self, event: ASGISendEvent) -> None:
        if (stream := self.admitted) is None:
            await self._send(event)
        elif event["type"] == "http.response.start":
            await self._send(START)
            await self._send(stream.first_words())  # at once: uvloop makes one packet of both

    def lighten(self) -> None:
        """Of what came with the request, the server keeps only what its access log asks for."""
        self._scope["headers"] = []
        self._scope["extensions"] = {}
        self._scope["asgi"] = ASGI
