"""A browser of HTTP/2 that decides what it takes: many streams on one connection."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import h2.connection
import h2.events
import h2.settings

from tests.stream.event_source import EventSource
from tests.web.line import PATIENCE_SECONDS

PLENTY_BYTES = 1 << 20


class H2Browser:
    """One connection; `statuses`, `sources` and `over` are by stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._connection = h2.connection.H2Connection()
        self.statuses: dict[int, bytes] = {}
        self.sources: defaultdict[int, EventSource] = defaultdict(EventSource)
        self.over: set[int] = set()

    def begin(self, window_bytes: int) -> None:
        """`window_bytes` is what each stream may send before it has to wait."""
        window = h2.settings.SettingCodes.INITIAL_WINDOW_SIZE
        self._connection.local_settings = h2.settings.Settings(
            client=True, initial_values={window: window_bytes}
        )
        self._connection.initiate_connection()
        self._connection.increment_flow_control_window(PLENTY_BYTES)
        self._flush()

    def get(self, path: str, cookie: str, takes: bool = True) -> int:
        """The number of the stream on which the answer comes."""
        number = self._connection.get_next_available_stream_id()
        headers = [
            (":method", "GET"), (":scheme", "http"), (":authority", "napvi"), (":path", path),
            ("accept", "text/event-stream"), ("cookie", cookie),
        ]  # fmt: skip
        self._connection.send_headers(number, headers, end_stream=True)
        self._flush()
        if takes:
            self.take(number)
        return number

    def take(self, number: int) -> None:
        """What was held back so far, and what comes."""
        self._connection.increment_flow_control_window(PLENTY_BYTES, number)
        self._flush()

    def reset(self, number: int) -> None:
        self._connection.reset_stream(number)
        self._flush()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Reads until then."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                self._take(await self._reader.read(65536))

    def _take(self, chunk: bytes) -> None:
        assert chunk, "the server has closed the connection"
        for event in self._connection.receive_data(chunk):
            match event:
                case h2.events.ResponseReceived():
                    self.statuses[event.stream_id] = dict(event.headers)[b":status"]
                case h2.events.DataReceived():
                    self.sources[event.stream_id].feed(event.data)
                case h2.events.StreamEnded() | h2.events.StreamReset():
                    self.over.add(event.stream_id)
        self._flush()

    def _flush(self) -> None:
        self._writer.write(self._connection.data_to_send())


@asynccontextmanager
async def browsing(url: str, window_bytes: int = PLENTY_BYTES) -> AsyncIterator[H2Browser]:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    browser = H2Browser(reader, writer)
    browser.begin(window_bytes)
    try:
        yield browser
    finally:
        writer.transport.abort()
