"""napvi and its PayOS, put together as in production: real sockets, a real database.

The PayOS is the simulator, at the end of a line that can be held.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from app.factory import NapviApp, create_app
from app.http.request_rules import WEBHOOK_PATH
from app.payos.simulator import create_simulator
from app.server.sockets import open_endpoint
from app.settings import Settings
from tests.payments import query
from tests.web.event_stream import Stream
from tests.web.line import Line, client, served
from tests.web.webhooks import CHECKSUM_KEY

CLIENT_ID = "a client id"
API_KEY = "an api key that nobody may log"
SECRET_KEY = "a secret key that nobody may log, of more than 32 characters"
PASSWORD = "mật khẩu không ai được ghi lại"
JSON = {"Content-Type": "application/json"}
OPENED, LINKED, RECEIVED = "topup.opened", "topup.linked", "payment.received"


class Napvi:
    """A running service, as its neighbours see it, and `app` for what only a debugger sees."""

    def __init__(self, app: NapviApp, line: Line, url: str, payos: Line, payos_url: str) -> None:
        self.app = app
        self.line = line
        self.url = url
        self.payos = payos
        self.payos_url = payos_url

    @asynccontextmanager
    async def visitor(self) -> AsyncIterator[httpx.AsyncClient]:
        async with client(self.url) as visitor:
            yield visitor

    @asynccontextmanager
    async def payer(self) -> AsyncIterator["Payer"]:
        """Somebody new, with an account, logged in."""
        async with self.visitor() as visitor:
            account = {"username": f"payer-{secrets.token_hex(6)}", "password": PASSWORD}
            answer = await visitor.post("/api/auth/register", json=account)
            assert answer.status_code == 201, answer.text
            yield Payer(visitor)

    async def pay(self, order_code: int, amount: int) -> dict[str, Any]:
        """Somebody pays at PayOS: what its webhook said and what came of it."""
        return await self._at_the_bank(order_code, "pay", {"amount": amount})

    async def resend(self, order_code: int) -> dict[str, Any]:
        """PayOS sends the latest webhook of this order again."""
        return await self._at_the_bank(order_code, "resend", {})

    async def _at_the_bank(
        self, order_code: int, action: str, body: Mapping[str, object]
    ) -> dict[str, Any]:
        url = f"/simulator/links/{order_code}/{action}"
        async with client(self.payos_url) as bank:
            answer = await bank.post(url, json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@dataclass(frozen=True)
class Payer:
    """A logged-in client."""

    client: httpx.AsyncClient

    async def init(self, amount: object = 50_000, key: str | None = None) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.client.post("/api/topup/init", json={"amount": amount}, headers=headers)

    async def open(self, amount: int = 50_000) -> dict[str, Any]:
        """A top-up with a payment link: the answer of init."""
        answer = await self.init(amount)
        assert answer.status_code == 201, answer.text
        topup: dict[str, Any] = answer.json()
        return topup

    async def status(self, tx_ref: str) -> dict[str, Any]:
        answer = await self.client.get("/api/topup/status", params={"tx_ref": tx_ref})
        assert answer.status_code == 200, answer.text
        update: dict[str, Any] = answer.json()
        return update

    async def balance(self) -> int:
        return int((await self.client.get("/api/wallet")).json()["balance"])

    @asynccontextmanager
    async def stream(
        self, tx_ref: str, last_event_id: object = None, method: str = "GET", **headers: str
    ) -> AsyncIterator[Stream]:
        """The stream of a top-up, as a browser asks for it."""
        asked = {"Accept": "text/event-stream", **headers}
        if last_event_id is not None:
            asked["Last-Event-ID"] = str(last_event_id)
        async with self.client.stream(
            method, "/api/topup/stream", params={"tx_ref": tx_ref}, headers=asked
        ) as response:
            yield Stream(response)


@asynccontextmanager
async def running(database_url: str, **changes: Any) -> AsyncIterator[Napvi]:
    """The service and its PayOS; `changes` are settings. Its clients must have left by the end."""
    endpoint, payos_endpoint = (
        open_endpoint("127.0.0.1:0", reader_timeout_seconds=15) for _ in range(2)
    )
    url, payos_url = (f"http://{open.addresses[0]}" for open in (endpoint, payos_endpoint))
    simulator = create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY, webhook_url=url + WEBHOOK_PATH)
    settings = {
        "database_url": database_url,
        "payos_base_url": payos_url,
        "payos_client_id": CLIENT_ID,
        "payos_api_key": API_KEY,
        "payos_checksum_key": CHECKSUM_KEY,
        "payos_retries": 0,
        "secret_key": SECRET_KEY,
        "cookie_secure": False,
        "database_connections": 3,
        "append_connections": 1,
        "streams_per_user_max": 1_000,
        "topups_open_max": 1_000,
    }
    app = create_app(Settings.load(**settings | changes))
    await app.open()
    line, payos = Line(app, WEBHOOK_PATH), Line(simulator, "/v2/payment-requests")
    async with served(payos, payos_endpoint), served(line, endpoint):
        try:
            yield Napvi(app, line, url, payos, payos_url)
        finally:
            payos.release()
            line.release()
            await app.drain()


async def events_of(url: str, tx_ref: str) -> list[str]:
    """The types of its events, in order."""
    rows = await query(url, "SELECT type FROM topup.events WHERE tx_ref = %s ORDER BY seq", tx_ref)
    return [type for (type,) in rows]
