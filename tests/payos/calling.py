"""Calls to PayOS in tests: a gateway, what it asks for, and servers that answer as they please."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from payos._crypto import CryptoProvider

from app.metrics.metrics import Metrics
from app.model import PaymentLink
from app.payos.gateway import Gateway
from app.settings import Settings
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID, LINK_ID

Clock = Callable[[], float]


@asynccontextmanager
async def gateway_to(
    url: str, metrics: Metrics | None = None, now: Clock | None = None, **changes: Any
) -> AsyncIterator[Gateway]:
    """A gateway without retries; `changes` are settings."""
    settings = {
        "payos_base_url": url,
        "payos_client_id": CLIENT_ID,
        "payos_api_key": API_KEY,
        "payos_checksum_key": CHECKSUM_KEY,
        "payos_timeout_seconds": 5.0,
        "payos_retries": 0,
    }
    clock = {} if now is None else {"now": now}
    opened = Gateway(Settings.load(**settings | changes), metrics or Metrics(), **clock)
    try:
        yield opened
    finally:
        await opened.close()


async def create(gateway: Gateway, **fields: Any) -> PaymentLink:
    """Asks for a link of order 5001 over 50.000 đ, or as `fields` say."""
    wanted = {
        "order_code": 5001,
        "amount_vnd": 50_000,
        "description": "T1234ABCD",
        "return_url": "https://shop.example/return",
        "cancel_url": "https://shop.example/cancel",
        "opened_at": datetime.fromisoformat(str(STATE["createdAt"])),
        "expires_at": datetime.now(UTC) + timedelta(minutes=15),
    }
    return await gateway.create_link(**{**wanted, **fields})


@asynccontextmanager
async def answering(*answers: bytes | None) -> AsyncIterator[str]:
    """A server that gives each request the next of `answers`; None: it hangs up without one."""
    waiting = iter(answers)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                await reader.readexactly(int(line.split(b":")[1]))
        answer = next(waiting)
        if answer is not None:
            writer.write(answer)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def http(body: bytes, status: int = 200, headers: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
    )
    return head.encode() + body


def envelope(data: dict[str, Any], key: str = CHECKSUM_KEY) -> bytes:
    """A good answer, signed as the SDK expects it."""
    signature = CryptoProvider().create_signature_from_object(data, key)
    body = {"code": "00", "desc": "success", "data": data, "signature": signature}
    return http(json.dumps(body).encode())


CREATED = {
    "bin": "970422",
    "accountNumber": "1",
    "accountName": "A",
    "amount": 50_000,
    "description": "T1234ABCD",
    "orderCode": 5001,
    "currency": "VND",
    "paymentLinkId": LINK_ID,
    "status": "PENDING",
    "checkoutUrl": "https://pay.payos.vn/web/1",
    "qrCode": "000201",
}
STATE = {
    "id": LINK_ID,
    "orderCode": 5001,
    "amount": 50_000,
    "amountPaid": 0,
    "amountRemaining": 50_000,
    "status": "PENDING",
    "createdAt": "2025-09-07T10:00:00+07:00",
    "transactions": [],
}
