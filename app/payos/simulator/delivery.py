"""How the simulator tells the shop about money: signed webhooks over HTTP.

Every webhook goes through Courier.deliver; this is where a network can be made to misbehave.
"""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from app.payos.signature import sign
from app.payos.simulator.bank import Order, Transfer
from app.payos.simulator.wire import webhook_data

TIMEOUT_SECONDS = 10.0  # as seen in the dashboard of PayOS

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of the last attempt; `complaint` is None where the shop answered 2xx."""

    complaint: str | None
    milliseconds: int


class Courier:
    """Signs and sends. `url` is the webhook of the shop, None until it is registered."""

    def __init__(
        self, checksum_key: str, url: str | None, timeout_seconds: float = TIMEOUT_SECONDS
    ) -> None:
        self.url = url
        self.deliveries: dict[str, Delivery] = {}  # by reference
        self._checksum_key = checksum_key
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)

    async def tell(self, order: Order, transfer: Transfer) -> Delivery:
        """Delivers the webhook of a transfer to the registered URL; the same bytes every time."""
        delivery = Delivery("no webhook URL is registered", 0)
        if self.url is not None:
            delivery = await self.deliver(self.url, webhook_data(order, transfer))
        self.deliveries[transfer.reference] = delivery
        return delivery

    async def deliver(self, url: str, data: Mapping[str, object]) -> Delivery:
        """Posts `data` in its signed envelope. Never raises for what the other side does."""
        envelope = {"code": "00", "desc": "success", "success": True, "data": data}
        body = json.dumps({**envelope, "signature": sign(data, self._checksum_key)})
        started = time.monotonic()
        complaint = await self._post(url, body)
        delivery = Delivery(complaint, round((time.monotonic() - started) * 1000))
        logger.info(
            "event=simulator.webhook order_code=%s complaint=%r milliseconds=%d",
            data["orderCode"],
            delivery.complaint,
            delivery.milliseconds,
        )
        return delivery

    async def close(self) -> None:
        await self._client.aclose()

    async def _post(self, url: str, body: str) -> str | None:
        headers = {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(url, content=body, headers=headers)
        except httpx.TimeoutException:
            return "timeout exceeded"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return str(error) or type(error).__name__
        if answer.is_success:
            return None
        return f"Request failed with status code {answer.status_code}"
