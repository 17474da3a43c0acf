"""One request and its answer, in the task that the server made for it.

Quart's own way takes a task for the handler and one for what the client sends, and turns the event
loop a few times to wait for both. What a client that leaves can interrupt is the same.
"""

import asyncio
from contextlib import suppress

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Request
from quart.asgi import ASGIHTTPConnection


class Exchange(ASGIHTTPConnection):
    """Ends when there is an answer, or nobody left to take one: then the handler is cancelled."""

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        request = self._create_request_from_scope(send)
        with suppress(TimeoutError):
            async with asyncio.timeout(None) as presence:
                listening = asyncio.create_task(self._listen(request, receive, presence))
                try:
                    await self.handle_request(request, send)
                finally:
                    listening.cancel()

    async def _listen(
        self, request: Request, receive: ASGIReceiveCallable, presence: asyncio.Timeout
    ) -> None:
        """Takes the body in; runs out with the presence of the client."""
        await self.handle_messages(request, receive)
        presence.reschedule(asyncio.get_running_loop().time())
