"""The way of one webhook over HTTP, and what came of it."""

import logging
import time
from collections import Counter
from dataclasses import dataclass

import httpx

from app.payos.simulator.letters import Kind, Letter

NO_STATUS = 0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of the last attempt; `complaint` is None where the shop answered 2xx."""

    complaint: str | None
    milliseconds: int = 0


class Postbox:
    """Posts letters and counts the answers."""

    def __init__(self, timeout_seconds: float) -> None:
        self.answers: Counter[tuple[Kind, int]] = Counter()
        """How often which kind of webhook was answered with which status; 0 is no answer."""
        self._client = httpx.AsyncClient(timeout=timeout_seconds, trust_env=False)

    async def post(self, url: str, letter: Letter) -> Delivery:
        """Never raises for what the other side does."""
        started = time.monotonic()
        status, complaint = await self._answer(url, letter.body)
        self.answers[letter.kind, status] += 1
        delivery = Delivery(complaint, round((time.monotonic() - started) * 1000))
        logger.info(
            "event=simulator.webhook order_code=%s kind=%s complaint=%r milliseconds=%d",
            letter.order_code,
            letter.kind,
            delivery.complaint,
            delivery.milliseconds,
        )
        return delivery

    async def close(self) -> None:
        await self._client.aclose()

    async def _answer(self, url: str, body: str) -> tuple[int, str | None]:
        headers = {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(url, content=body, headers=headers)
        except httpx.TimeoutException:
            return NO_STATUS, "timeout exceeded"
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return NO_STATUS, str(error) or type(error).__name__
        if answer.is_success:
            return answer.status_code, None
        return answer.status_code, f"Request failed with status code {answer.status_code}"
