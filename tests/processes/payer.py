"""Payers and PayOS as they reach napvi: over HTTP, from outside."""

import asyncio
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.payos.signature import sign
from tests.services import CHECKSUM_KEY, PASSWORD
from tests.stream.event_source import EventSource, Message

SECONDS_MAX = 20.0

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Payer:
    """A browser that is logged in. Its cookie is good for every process of the service."""

    client: httpx.AsyncClient

    async def topup(self, amount: int = 50_000) -> dict[str, Any]:
        answer = await self.client.post("/api/topup/init", json={"amount": amount})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def balance(self) -> int:
        return int((await self.client.get("/api/wallet")).json()["balance"])

    async def messages(self, tx_ref: str, at: str = "") -> AsyncIterator[Message]:
        """What the stream at `at` (default: the own service) says, to its complete end.

        Raises httpx.RemoteProtocolError when it is cut off.
        """
        source = EventSource()
        address = f"{at}/api/topup/stream?tx_ref={tx_ref}"
        async with self.client.stream("GET", address) as response:
            assert response.status_code == 200
            async for chunk in response.aiter_bytes():
                for message in source.feed(chunk):
                    yield message


async def last_status(payer: Payer, tx_ref: str, opened: asyncio.Semaphore) -> str:
    """What a stream said last. Raises when it is cut off instead of ended."""
    status = ""
    async for message in payer.messages(tx_ref):
        status = message.json["status"]
        opened.release()
    return status


def http_client(
    base_url: str = "", *, verify: ssl.SSLContext | bool = True, http2: bool = False
) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=base_url,
        verify=verify,
        http2=http2,
        limits=httpx.Limits(max_connections=None),
        timeout=SECONDS_MAX,
        trust_env=False,
    )


@asynccontextmanager
async def log_in(
    url: str, *, verify: ssl.SSLContext | bool = True, http2: bool = False
) -> AsyncIterator[Payer]:
    """A new payer at the service at `url`."""
    async with http_client(url, verify=verify, http2=http2) as client:
        account = {"username": f"payer{next(_numbers)}", "password": PASSWORD}
        answer = await client.post("/api/auth/register", json=account)
        assert answer.status_code == 201, answer.text
        yield Payer(client)


def webhook(topup: dict[str, Any], amount: int | None = None) -> bytes:
    """What PayOS posts about a new transfer for `topup`, of all of it unless `amount` is given."""
    data = {
        "orderCode": topup["order_code"],
        "amount": topup["amount"] if amount is None else amount,
        "description": f"CSED51ZGP85 {topup['tx_ref']}",
        "accountNumber": "0123456789",
        "reference": f"FT{next(_numbers):014d}",
        "transactionDateTime": "2026-01-02 10:11:12",
        "currency": "VND",
        "paymentLinkId": topup["checkout_url"].rpartition("/")[2],
        "code": "00",
        "desc": "success",
    }
    envelope = {"code": "00", "desc": "success", "success": True, "data": data}
    return json.dumps({**envelope, "signature": sign(data, CHECKSUM_KEY)}).encode()


async def deliver(client: httpx.AsyncClient, url: str, body: bytes) -> int:
    """The status that PayOS gets from the service at `url`."""
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{url}/api/payos/webhook", content=body, headers=headers)
    return answer.status_code


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns when `condition` holds, which nobody can be told of."""
    async with asyncio.timeout(SECONDS_MAX):
        while not await condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
