"""Real servers on real sockets: a simulator, a shop that it tells, and who calls them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import payos
import pytest
from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config
from quart import Quart, ResponseReturnValue, request

from app.payos.gateway import Gateway
from app.payos.simulator import create_simulator
from tests.payos.calling import gateway_to
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID
from tests.web.line import PATIENCE_SECONDS


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Any], Awaitable[str]]]:
    """Starts an ASGI application on a free port and gives its URL."""
    stop = asyncio.Event()
    servers = []

    async def start(application: Any) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = Config()
        config.bind = [f"fd://{listener.detach()}"]
        config.loglevel = "WARNING"
        server = hypercorn_serve(application, config, shutdown_trigger=stop.wait)
        servers.append(asyncio.create_task(server))
        return f"http://127.0.0.1:{port}"

    yield start
    stop.set()
    await asyncio.gather(*servers)


@dataclass
class Shop:
    """A shop's webhook: keeps the bodies that it got, and answers with `status`."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    status: int = 200


@pytest.fixture
async def shop(serve: Callable[[Quart], Awaitable[str]]) -> Shop:
    application = Quart("shop")
    listening = Shop("")

    @application.post("/webhook")
    async def webhook() -> ResponseReturnValue:
        body: bytes = await request.body
        listening.bodies.append(body)
        return {"success": True}, listening.status

    listening.url = await serve(application) + "/webhook"
    return listening


@pytest.fixture
async def simulator_url(serve: Callable[[Quart], Awaitable[str]], shop: Shop) -> str:
    """A simulator that tells the shop."""
    return await serve(create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY, webhook_url=shop.url))


@pytest.fixture
async def sdk(simulator_url: str) -> AsyncIterator[payos.AsyncPayOS]:
    """The official SDK, as it comes."""
    async with payos.AsyncPayOS(CLIENT_ID, API_KEY, CHECKSUM_KEY, base_url=simulator_url) as client:
        yield client


@pytest.fixture
async def gateway(simulator_url: str) -> AsyncIterator[Gateway]:
    async with gateway_to(simulator_url) as opened:
        yield opened


@pytest.fixture
async def browser(simulator_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP to the simulator, redirects followed."""
    async with httpx.AsyncClient(
        base_url=simulator_url, follow_redirects=True, timeout=PATIENCE_SECONDS
    ) as client:
        yield client
