"""A connection changes its protocol for nobody: that would be a way past the rules of a proxy."""

import asyncio

import pytest

from tests.web.http2 import http2
from tests.web.line import PATIENCE_SECONDS, eventually
from tests.web.raw_http import connection
from tests.web.service import Napvi


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PRI"])
async def test_an_upgrade_to_h2c_is_answered_over_http_1_1(napvi: Napvi, method: str) -> None:
    lines = [
        f"{method} /healthz HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABkAAQAAP__",
    ]
    async with connection(napvi.url) as (reader, writer), asyncio.timeout(PATIENCE_SECONDS):
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 405 " if method == "PRI" else b"HTTP/1.1 200 "), answer
        assert b"upgrade" not in answer.lower()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"HTTP/1.1 200 " in await reader.read(), "the connection lives on"


async def test_a_web_socket_is_refused_and_its_connection_ends_as_announced(napvi: Napvi) -> None:
    lines = [
        "GET /healthz HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ]
    async with connection(napvi.url) as (reader, writer), asyncio.timeout(PATIENCE_SECONDS):
        writer.write("\r\n".join([*lines, "", ""]).encode())
        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 "), answer
    assert b"connection: close" in answer.lower()


async def test_http_2_is_spoken_with_who_knows_it(napvi: Napvi) -> None:
    async with http2(napvi.url) as browser:
        asked = browser.get("/healthz", "")
        await eventually(lambda: asked in browser.ended)
        assert browser.statuses[asked] == b"200"
