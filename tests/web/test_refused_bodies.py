"""A refusal and the body that comes with it: the connection lives on, or the answer says it ends.

A proxy hands a connection that it believes alive to somebody else, whose request is lost when that
connection ends after all.
"""

import asyncio

import pytest

from app.http.request_rules import WEBHOOK_PATH
from tests.web.line import PATIENCE_SECONDS, eventually
from tests.web.raw_http import answer_to, connection
from tests.web.service import Napvi

JSON = "application/json"
STREAM = "/api/topup/stream?tx_ref=T00000000"
CHUNKS = 40
"""More than Hypercorn keeps for an app that reads none of them."""


def head(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"{line} HTTP/1.1", "Host: localhost", *headers, "", ""]).encode()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Content-Type: text/plain"], 415),
        ([f"Content-Type: {JSON}", "Sec-Fetch-Site: cross-site"], 403),
        ([f"Content-Type: {JSON}", "Origin: https://elsewhere.example"], 403),
    ],
)
async def test_a_write_that_is_refused_leaves_its_connection_to_the_next_request(
    napvi: Napvi, headers: list[str], status: int
) -> None:
    async with connection(napvi.url) as (reader, writer), asyncio.timeout(PATIENCE_SECONDS):
        writer.write(head("POST /api/auth/login", "Content-Length: 5", *headers))
        await eventually(lambda: napvi.line.under_way == 1)
        writer.write(b"hello")
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(f"HTTP/1.1 {status} ".encode())
        assert b"connection: close" not in answer.lower()
        writer.write(head("GET /healthz", "Connection: close"))
        assert b"HTTP/1.1 200 " in await reader.read()


@pytest.mark.parametrize("service_settings", [{"request_body_seconds_max": 0.2}])
@pytest.mark.parametrize(
    ("line", "length", "status"),
    [
        ("POST /api/auth/login", 20_000, 413),
        (f"POST {WEBHOOK_PATH}", 70_000, 413),
        ("GET /healthz", 20_000, 413),
        (f"GET {STREAM}", 20_000, 413),
        ("POST /api/auth/login", 5, 408),
        (f"POST {WEBHOOK_PATH}", 5, 408),
        ("GET /healthz", 5, 408),
        (f"GET {STREAM}", 5, 401),
    ],
)
async def test_an_answer_before_the_end_of_a_body_says_that_its_connection_ends(
    napvi: Napvi, line: str, length: int, status: int
) -> None:
    request = head(line, f"Content-Type: {JSON}", f"Content-Length: {length}")
    async with connection(napvi.url) as (reader, writer), asyncio.timeout(PATIENCE_SECONDS):
        writer.write(request + b"{")
        answer = await reader.read()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer
    assert answer.lower().count(b"connection: close") == 1


async def test_a_body_in_many_pieces_that_no_stream_reads_holds_nothing(napvi: Napvi) -> None:
    request = head(f"GET {STREAM}", "Transfer-Encoding: chunked", "Connection: close")
    answer = await answer_to(napvi.url, request + CHUNKS * b"1\r\n{\r\n" + b"0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401 "), answer
    await eventually(lambda: napvi.line.under_way == 0)
