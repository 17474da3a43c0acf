"""The same stream under other spellings of its address, and headers full of rubbish."""

from typing import Any

import pytest

from tests.web.line import eventually
from tests.web.raw_http import answer_to
from tests.web.service import Napvi, Payer
from tests.web.stream_places import cookie_of

BEGUN, REFUSED = b"retry: ", b'"not_acceptable"'


@pytest.mark.parametrize(
    "path",
    [
        "http://{host}/api/topup/stream",
        "/api/topup/%73tream",
        "//api/topup/stream",
        "/api//topup/stream",
        "/api/topup/stream/",
        "/api/topup/./stream",
        "/api/topup/stream;a=b",
        "{host}/api/topup/stream",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
async def test_another_spelling_of_the_address_holds_no_lease(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], path: str, method: str
) -> None:
    host = napvi.url.removeprefix("http://")
    target = f"{path.format(host=host)}?tx_ref={topup['tx_ref']}"
    request = f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n"
    cookie = f"Cookie: {cookie_of(payer)}\r\n\r\n"
    answer = await answer_to(napvi.url, (request + cookie).encode(), BEGUN)
    assert answer.startswith(b"HTTP/1.1 "), answer
    await eventually(
        lambda: len(napvi.app.streaming.leases) == 0 and napvi.app.streaming.hub.streams == 0
    )
    await eventually(lambda: napvi.line.under_way == 0)
    if answer.startswith(b"HTTP/1.1 200") and method == "GET":
        assert BEGUN in answer, "who is let in is served"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Last-Event-ID: " + b"9" * 4_000, 200),
        (b"Last-Event-ID: \xff\xfe", 200),
        (b"Last-Event-ID: 2\r\nLast-Event-ID: 1", 200),
        (b"Accept: \xff/\xff", 406),
        (b"Accept: " + b"a/b;q=," * 500, 406),
        (b"Accept: ;;;,,,", 406),
        (b"Cookie: napvi_session=\xff\xfe", 200),
        (b"Cookie: ;;;==;" + b"a=b;" * 2_000, 200),
        (b"Content-Length: 5", 200),
        (b"Transfer-Encoding: chunked", 200),
        (b"Expect: 100-continue", 200),
        (b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__", 200),
        (b"Upgrade: anything", 200),
    ],
)
async def test_rubbish_in_a_header_is_no_error_of_ours_and_holds_no_lease(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], header: bytes, status: int
) -> None:
    lines = [
        f"GET /api/topup/stream?tx_ref={topup['tx_ref']} HTTP/1.1".encode(),
        b"Host: localhost",
        f"Cookie: {cookie_of(payer)}".encode(),
        header,
    ]
    request = b"\r\n".join([*lines, b"", b""])
    answer = await answer_to(napvi.url, request, BEGUN, REFUSED)
    assert f"HTTP/1.1 {status} ".encode() in answer, answer
    await eventually(lambda: len(napvi.app.streaming.leases) == 0 and napvi.line.under_way == 0)
