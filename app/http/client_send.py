"""What goes out to a client, until nobody takes it any more."""

import logging

from hypercorn.typing import ASGISendCallable, ASGISendEvent

log = logging.getLogger(__name__)


class ClientSend:
    """`send` of one request. When the kernel has cut the connection, the rest is dropped."""

    __slots__ = ("_cut", "_send")

    def __init__(self, send: ASGISendCallable) -> None:
        self._send = send
        self._cut = False

    async def send(self, event: ASGISendEvent) -> None:
        if self._cut:
            return
        try:
            await self._send(event)
        except OSError as error:  # the reader had stopped
            self._cut = True
            log.info("event=connection.lost reason=%s", type(error).__name__)
