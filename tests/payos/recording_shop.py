"""A shop's webhook that keeps what it is told and answers as the test wants."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from quart import Quart, ResponseReturnValue, request

from app.payos.webhook import Webhook, read_webhook
from tests.payos.wire import CHECKSUM_KEY, CLIENT_ID

SECONDS_MAX = 20.0


@dataclass
class RecordingShop:
    """`answers` are the statuses of the next webhooks; then 200. `together`: none is answered
    before so many have come."""

    bodies: list[bytes] = field(default_factory=list)
    answers: deque[int] = field(default_factory=deque)
    together: int = 1
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def application(self) -> Quart:
        application = Quart("recording_shop")
        application.add_url_rule("/webhook", view_func=self._take, methods=["POST"])
        return application

    async def got(self, count: int) -> list[bytes]:
        """The bodies, once there are so many."""
        async with asyncio.timeout(SECONDS_MAX), self._news:
            await self._news.wait_for(lambda: len(self.bodies) >= count)
        return self.bodies

    async def _take(self) -> ResponseReturnValue:
        body: bytes = await request.body
        async with self._news:
            self.bodies.append(body)
            self._news.notify_all()
        await self.got(self.together)
        return {"success": True}, self.answers.popleft() if self.answers else 200


def reading(body: bytes) -> Webhook:
    """As napvi reads it."""
    return read_webhook(body, [CHECKSUM_KEY], CLIENT_ID)
