"""napvi and its PayOS, put together as in production: real sockets, a real database.

The PayOS is the simulator, at the end of a line that can be held or cut.
"""

import asyncio
import json
import logging
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import hypercorn.asyncio
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope

from app.factory import NapviApp, create_app
from app.payos.signature import sign
from app.payos.simulator import create_simulator
from app.request_rules import WEBHOOK_PATH
from app.settings import Settings
from app.sockets import Endpoint, open_endpoint
from tests.payments import query
from tests.web.event_stream import Stream

CLIENT_ID = "a client id"
API_KEY = "an api key that nobody may log"
CHECKSUM_KEY = "f00dbabe" * 8
SECRET_KEY = "a secret key that nobody may log, of more than 32 characters"
PASSWORD = "mật khẩu không ai được ghi lại"
JSON = {"Content-Type": "application/json"}
PATIENCE_SECONDS = 20

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Nothing here is encrypted; to load certificates for each client would take 30 ms."""

Condition = Callable[[], bool]


def client(url: str) -> httpx.AsyncClient:
    """Without limits of its own, and without a proxy."""
    return httpx.AsyncClient(
        base_url=url,
        verify=NO_TLS,
        trust_env=False,
        timeout=PATIENCE_SECONDS,
        limits=httpx.Limits(max_connections=None),
    )


async def eventually(condition: Condition) -> None:
    """Waits for what other tasks bring about without an event of their own."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.002)


class Line:
    """The way to an ASGI app: its requests are counted, its answers can be held back.

    `under_way` requests are being handled now; `answers` went to requests for `path`.
    """

    def __init__(self, app: ASGIFramework, path: str) -> None:
        self._app = app
        self._path = path
        self._open = asyncio.Event()
        self._open.set()
        self._holds_everything = False
        self.under_way = 0
        self.answers = 0
        self.answering = asyncio.Event()
        """The app has done what `path` is for; its answer may be held."""
        self.status: int | None = None
        """Answer with this and a page of HTML, and do not ask the app."""

    def hold(self, everything: bool = False) -> None:
        """No answer to `path`, or to anything, leaves before the `release`."""
        self._holds_everything = everything
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.under_way += 1
        try:
            if self.status is not None:
                await _answer_in_html(self.status, send)
            else:
                await self._app(scope, receive, self._holding(scope["path"], send))
        finally:
            self.under_way -= 1

    def _holding(self, path: str, send: ASGISendCallable) -> ASGISendCallable:
        async def held_send(message: Any) -> None:
            if message["type"] == "http.response.start":
                if path == self._path:
                    self.answers += 1
                    self.answering.set()
                if path == self._path or self._holds_everything:
                    await self._open.wait()
            await send(message)

        return held_send


@asynccontextmanager
async def served(app: ASGIFramework, endpoint: Endpoint) -> AsyncIterator[None]:
    """`app` at an open endpoint, by the server of production."""
    stop = asyncio.Event()
    endpoint.config.errorlog = logging.getLogger("hypercorn.error")
    task = asyncio.create_task(
        hypercorn.asyncio.serve(app, endpoint.config, shutdown_trigger=stop.wait)
    )
    try:
        yield
    finally:
        stop.set()
        await task


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
    endpoint, payos_endpoint = open_endpoint("127.0.0.1:0"), open_endpoint("127.0.0.1:0")
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


def signed(data: Mapping[str, object], key: str = CHECKSUM_KEY) -> bytes:
    """The body of a webhook of PayOS."""
    around = {"code": "00", "desc": "success", "success": True}
    return json.dumps({**around, "data": data, "signature": sign(data, key)}).encode()


def transfer_data(order_code: object, amount: object = 50_000, **changes: object) -> dict[str, Any]:
    """The data of a webhook about a transfer that is new, of a payer who is made up."""
    return {
        "orderCode": order_code,
        "amount": amount,
        "description": "CSED51ZGP85 naptien",
        "accountNumber": "0901234567890",
        "reference": f"FT{secrets.token_hex(7)}",
        "transactionDateTime": "2026-03-01 10:11:12",
        "currency": "VND",
        "paymentLinkId": secrets.token_hex(16),
        "code": "00",
        "desc": "success",
        "counterAccountBankId": "970436",
        "counterAccountBankName": None,
        "counterAccountName": "TRẦN THỊ BÍCH",
        "counterAccountNumber": "9876543210",
        "virtualAccountName": "",
        "virtualAccountNumber": None,
        **changes,
    }


async def _answer_in_html(status: int, send: ASGISendCallable) -> None:
    headers = [(b"content-type", b"text/html")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"<h1>Sorry</h1>", "more_body": False})


async def events_of(url: str, tx_ref: str) -> list[str]:
    """The types of its events, in order."""
    rows = await query(url, "SELECT type FROM topup.events WHERE tx_ref = %s ORDER BY seq", tx_ref)
    return [type for (type,) in rows]
