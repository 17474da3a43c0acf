"""A browser that stays with a top-up to the end, through as many connections as it takes."""

import asyncio
import time

import httpx

from tests.processes.payer import Payer
from tests.stream.event_source import EventSource


class Follower:
    """Reconnects the way an EventSource does: after `retry:`, with Last-Event-ID."""

    def __init__(self, payer: Payer, tx_ref: str) -> None:
        self.connected = asyncio.Event()
        self.seqs: list[int] = []
        self.cuts = 0
        """How often a stream broke off instead of ending."""
        self.longest_gap_seconds = 0.0
        """Between two connections, from the end of one to the answer of the next."""
        self._payer = payer
        self._tx_ref = tx_ref
        self._last_event_id = "0"  # from the first state on, also that before the stream opened
        self._final = False
        self._left: float | None = None

    async def follow(self) -> None:
        """Returns after the final state. Raises httpx.ConnectError when nobody takes it in."""
        while not self._final:
            source = EventSource()
            try:
                await self._read(source)
            except (httpx.RemoteProtocolError, httpx.ReadError):
                self.cuts += 1
            self._left = time.monotonic()
            if not self._final:
                await asyncio.sleep((source.retry_milliseconds or 0) / 1000)

    async def _read(self, source: EventSource) -> None:
        address = f"/api/topup/stream?tx_ref={self._tx_ref}"
        headers = {"Last-Event-ID": self._last_event_id}
        async with self._payer.client.stream("GET", address, headers=headers) as response:
            assert response.status_code == 200, response.status_code
            if self._left is not None:
                gap = time.monotonic() - self._left
                self.longest_gap_seconds = max(self.longest_gap_seconds, gap)
            self.connected.set()
            async for chunk in response.aiter_bytes():
                for message in source.feed(chunk):
                    if message.event == "status-update":
                        self._last_event_id = message.last_event_id
                        self._final = message.json["final"]
                        self.seqs.append(message.json["seq"])
