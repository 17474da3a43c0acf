"""What a browser makes of a stream: the WHATWG rules for parsing `text/event-stream`."""

import json
import re
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Message:
    event: str
    data: str
    last_event_id: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass
class EventSource:
    """Feed it the bytes of a stream; it keeps what a script would see.

    A reconnect is another one, which starts with the `last_event_id` of the one before.
    """

    last_event_id: str = ""
    retry_milliseconds: int | None = None
    comments: list[str] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    _undecided: str = ""
    _event: str = ""
    _data: str = ""

    def __post_init__(self) -> None:
        self._id = self.last_event_id

    def feed(self, chunk: bytes) -> list[Message]:
        """The messages that this chunk completes. A chunk must not split a CRLF or a character."""
        before = len(self.messages)
        *lines, self._undecided = re.split("\r\n|\n|\r", self._undecided + chunk.decode())
        for line in lines:
            self._process(line)
        return self.messages[before:]

    def _process(self, line: str) -> None:
        if not line:
            self._dispatch()
        elif line.startswith(":"):
            self.comments.append(line[1:])
        else:
            name, _, value = line.partition(":")
            self._field(name, value.removeprefix(" "))

    def _field(self, name: str, value: str) -> None:
        if name == "event":
            self._event = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.retry_milliseconds = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            event, data = self._event or "message", self._data.removesuffix("\n")
            self.messages.append(Message(event, data, self.last_event_id))
        self._event = self._data = ""
