"""HTTP/1.1 of Hypercorn that says of a connection that it ends, and is upgraded by nobody."""

from collections.abc import Coroutine
from typing import Any

import h11
from hypercorn.protocol.events import Event, Response
from hypercorn.protocol.h11 import H2ProtocolAssumedError, H11Protocol


class Http1(H11Protocol):
    """One connection, unless its first words are those of HTTP/2."""

    def stream_send(self, event: Event) -> Coroutine[Any, Any, None]:
        """Hypercorn closes after an answer that came before the end of the body, without a word.

        A proxy would have taken the connection for alive, and sent somebody else's request there.
        """
        if isinstance(event, Response) and self.connection.their_state is not h11.DONE:
            event.headers.append((b"connection", b"close"))
        return super().stream_send(event)

    async def _check_protocol(self, event: h11.Request) -> None:
        """Hypercorn would agree to `Upgrade: h2c`, which leads past the rules of a proxy.

        And h11, as long as it might agree to any upgrade, does not see that the client has left.
        """
        if (event.method, event.target, event.http_version) == (b"PRI", b"*", b"2.0"):
            raise H2ProtocolAssumedError(
                b"PRI * HTTP/2.0\r\n\r\n" + self.connection.trailing_data[0]
            )
        if isinstance(self.connection, h11.Connection):
            self.connection._cstate.pending_switch_proposals.clear()
