"""Nobody leaves HTTP behind a proxy: a tunnel would lead to all that is for the inside."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable, Scope

from app.server.sockets import open_endpoint
from tests.proxies.conftest import StartProxy
from tests.proxies.front import Front
from tests.web.line import PATIENCE_SECONDS, served

pytestmark = pytest.mark.processes

UPGRADES = {
    "h2c": ["Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"],
    "websocket": [
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
}


async def tell_headers(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Stands where napvi does, and answers with the headers that came so far."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        return
    assert scope["type"] == "http", "it was upgraded"
    names = json.dumps([name.decode() for name, _ in scope["headers"]]).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": names, "more_body": False})


@pytest.fixture
async def upstream() -> AsyncIterator[str]:
    endpoint = open_endpoint("127.0.0.1:0", reader_timeout_seconds=PATIENCE_SECONDS)
    async with served(tell_headers, endpoint):
        yield endpoint.addresses[0]


@pytest.mark.parametrize("upgrade", UPGRADES)
async def test_an_upgrade_is_not_passed_on(
    start_proxy: StartProxy, front: Front, upstream: str, upgrade: str
) -> None:
    start_proxy(upstream)
    asked = ["GET /healthz HTTP/1.1", "Host: localhost", "Connection: Upgrade, HTTP2-Settings"]
    request = "\r\n".join([*asked, *UPGRADES[upgrade], "", ""]).encode()
    async with asyncio.timeout(PATIENCE_SECONDS):
        address = ("localhost", front.https_port)
        reader, writer = await asyncio.open_connection(*address, ssl=front.trust)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), head
        names = await reader.readuntil(b"]")
    writer.close()
    assert b'"host"' in names
    assert b"upgrade" not in names
