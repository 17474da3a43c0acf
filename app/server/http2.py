"""HTTP/2 of Hypercorn that keeps nothing for who does not take it."""

from contextlib import suppress

from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError
from hypercorn.protocol.events import Event, StreamClosed
from hypercorn.protocol.h2 import H2Protocol


class Http2(H2Protocol):
    """One connection. Hypercorn would keep what a client opens no window for as long as it."""

    async def stream_send(self, event: Event) -> None:
        """An answer that was given up is said to be over."""
        if isinstance(event, StreamClosed) and self._waits(event.stream_id):
            with suppress(ProtocolError):  # the connection is over too
                self.connection.reset_stream(event.stream_id, ErrorCodes.CANCEL)
                await self._flush()
        await super().stream_send(event)

    async def _close_stream(self, stream_id: int) -> None:
        """Whoever waits to send more of it goes on; the task that sends takes the rest apart."""
        await super()._close_stream(stream_id)
        if self._waits(stream_id):
            await self.stream_buffers[stream_id].close()
            self.priority.unblock(stream_id)
            await self.has_data.set()

    def _waits(self, stream_id: int) -> bool:
        buffer = self.stream_buffers.get(stream_id)
        return buffer is not None and not buffer.complete
