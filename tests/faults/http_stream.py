"""One GET whose answer does not end: HTTP/1.1, as far as an EventSource needs it."""

import asyncio
from collections.abc import Callable
from typing import Any

HEAD_END = b"\r\n\r\n"
LINE_END = b"\r\n"


class HttpStream(asyncio.Protocol):
    """Hands the body to `on_body` as it comes, without the chunks it travels in.

    `ended` tells how it went: True for a complete body, False for a connection that broke before.
    `status` is 0 until there is an answer.
    """

    __slots__ = (
        "_buffer", "_chunked", "_left", "_on_body", "_request", "_transport", "ended", "status",
    )  # fmt: skip

    def __init__(self, request: bytes, on_body: Callable[[bytes], None]) -> None:
        self.ended: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.status = 0
        self._request = request
        self._on_body = on_body
        self._buffer = b""
        self._chunked = False
        self._left: int | None = None
        """Bytes to the end of this chunk, or of the body if it has no chunks; None: unknown."""

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            if self.status or self._read_head():
                self._read_body()
        except Exception as error:  # of `on_body`, or of a server that speaks no HTTP
            self._fail(error)

    def connection_lost(self, error: Exception | None) -> None:
        until_closed = bool(self.status) and not self._chunked and self._left is None
        self._end(complete=until_closed and error is None)

    def close(self) -> None:
        """Harmless when the connection is gone."""
        self._transport.abort()

    def _read_head(self) -> bool:
        head, end, rest = self._buffer.partition(HEAD_END)
        if not end:
            return False
        first, *lines = head.decode("latin-1").split("\r\n")
        names_and_values = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in names_and_values}
        self.status = int(first.split()[1])
        self._buffer = rest
        self._chunked = headers.get("transfer-encoding") == "chunked"
        if self.status == 204:
            self._left = 0
        elif "content-length" in headers:
            self._left = int(headers["content-length"])
        return True

    def _read_body(self) -> None:
        while self._chunked:
            size, end, rest = self._buffer.partition(LINE_END)
            length = int(size, 16) if end else 0
            if not end or len(rest) < length + len(LINE_END):
                return
            self._buffer = rest[length + len(LINE_END) :]
            if length == 0:
                self._end(complete=True)
                return
            self._on_body(rest[:length])
        body, self._buffer = self._buffer, b""
        if body:
            self._on_body(body)
        if self._left is not None:
            self._left -= len(body)
            if self._left <= 0:
                self._end(complete=True)

    def _end(self, complete: bool) -> None:
        if not self.ended.done():
            self.ended.set_result(complete)
            self.close()

    def _fail(self, error: Exception) -> None:
        if not self.ended.done():
            self.ended.set_exception(error)
            self.close()
