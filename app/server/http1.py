"""HTTP/1.1 of Hypercorn that says of a connection that it ends."""

from collections.abc import Coroutine
from typing import Any

import h11
from hypercorn.protocol.events import Event, Response
from hypercorn.protocol.h11 import H11Protocol


class Http1(H11Protocol):
    """One connection, until it turns out to speak HTTP/2."""

    def stream_send(self, event: Event) -> Coroutine[Any, Any, None]:
        """Hypercorn closes after an answer that came before the end of the body, without a word.

        A proxy would have taken the connection for alive, and sent somebody else's request there.
        """
        if isinstance(event, Response) and self.connection.their_state is h11.SEND_BODY:
            event.headers.append((b"connection", b"close"))
        return super().stream_send(event)
