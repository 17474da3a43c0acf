"""A browser that speaks HTTP/2 without TLS, and grants the service as much window as it likes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset
from h2.settings import SettingCodes

from tests.web.raw_http import connection


class Http2:
    """One connection. A stream's window is what it was opened with; it is never renewed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._h2 = H2Connection(H2Configuration(client_side=True))
        self._h2.initiate_connection()
        self.statuses: dict[int, bytes] = {}
        self.received: dict[int, bytes] = {}
        self.ended: set[int] = set()

    def set_window(self, size_bytes: int) -> None:
        """For the streams that are opened from now on, and those that are open."""
        self._h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: size_bytes})
        self._flush()

    def grant(self, stream_id: int, size_bytes: int) -> None:
        self._h2.increment_flow_control_window(size_bytes, stream_id)
        self._flush()

    def get(self, path: str, cookie: str) -> int:
        stream_id = self._h2.get_next_available_stream_id()
        headers = [
            (":method", "GET"), (":path", path), (":scheme", "http"),
            (":authority", "localhost"), ("cookie", cookie),
        ]  # fmt: skip
        self._h2.send_headers(stream_id, headers, end_stream=True)
        self.received[stream_id] = b""
        self._flush()
        return stream_id

    def post(self, path: str, body: bytes) -> int:
        """It has to fit into the window that the service grants from the start."""
        stream_id = self._h2.get_next_available_stream_id()
        headers = [
            (":method", "POST"), (":path", path), (":scheme", "http"),
            (":authority", "localhost"), ("content-type", "application/json"),
        ]  # fmt: skip
        self._h2.send_headers(stream_id, headers)
        self._h2.send_data(stream_id, body, end_stream=True)
        self.received[stream_id] = b""
        self._flush()
        return stream_id

    def reset(self, stream_id: int) -> None:
        self._h2.reset_stream(stream_id)
        self._flush()

    def leave(self) -> None:
        self._writer.transport.abort()

    async def receive(self) -> None:
        while chunk := await self._reader.read(65536):
            for event in self._h2.receive_data(chunk):
                self._keep(event)
            self._flush()

    def _keep(self, event: Event) -> None:
        if isinstance(event, ResponseReceived):
            self.statuses[event.stream_id] = dict(event.headers)[b":status"]
        elif isinstance(event, DataReceived):
            self.received[event.stream_id] += event.data
        elif isinstance(event, StreamEnded | StreamReset):
            self.ended.add(event.stream_id)

    def _flush(self) -> None:
        self._writer.write(self._h2.data_to_send())


@asynccontextmanager
async def http2(url: str) -> AsyncIterator[Http2]:
    async with connection(url) as (reader, writer):
        browser = Http2(reader, writer)
        receiving = asyncio.create_task(browser.receive())
        try:
            yield browser
        finally:
            receiving.cancel()
            await asyncio.wait({receiving})
