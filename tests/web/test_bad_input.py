"""Whatever a client sends, to whichever address: it gets a 4xx that names what is wrong."""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.http.request_rules import WEBHOOK_PATH
from app.logs import OneLine, worth_saying
from tests.web.service import API_KEY, JSON, PASSWORD, SECRET_KEY, Napvi, Payer
from tests.web.webhooks import CHECKSUM_KEY, signed, transfer_data

ACCOUNT: dict[str, object] = {"username": "anna", "password": PASSWORD}
TAKES_JSON: dict[str, dict[str, object]] = {
    "/api/auth/register": ACCOUNT,
    "/api/auth/login": ACCOUNT,
    "/api/topup/cancel": {"tx_ref": "T00000000"},
    "/api/topup/init": {"amount": 50_000},
    "/api/topup/seen": {"recorded_at": "2026-01-01T00:00:00+00:00"},
}
"""Addresses and a good body; they take POST."""

TAKES_TX_REF = ["/api/topup/status", "/api/topup/stream"]
TAKES_NOTHING = {
    "/api/auth/logout": "POST",
    "/api/auth/me": "GET",
    "/api/wallet": "GET",
    "/healthz": "GET",
    "/readyz": "GET",
    "/metrics": "GET",
    "/openapi.json": "GET",
    "/static/<path:filename>": "GET",
}
PAGES = [  # which answer in HTML: see test_pages.py
    "/",
    "/login",
    "/register",
    "/wallet",
    "/wallet/topup",
    "/wallet/topup/<tx_ref>",
    "/wallet/topup/<tx_ref>/qr.svg",
]

NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "an open brace": b"{",
    "a form": b"amount=50000",
    "no UTF-8": b'{"amount": "\xff"}',
    "UTF-16": '{"amount": 50000}'.encode("utf-16"),
    "two documents": b"{} {}",
    "a comment": b'{"amount": 50000 /* dong */}',
    "lists nested deeply": b"[" * 15_000,
    "objects nested deeply": b'{"a":' * 3_000,
    "a number of 5,000 digits": b'{"amount": ' + b"9" * 5_000 + b"}",
    "half an escape": b'{"amount": "\\u00"}',
}
NO_OBJECT: list[object] = [None, [], [{"amount": 50_000}], "amount", 50_000, 0.5, True]
WRONG_TYPES: list[object] = [None, True, 1.5, [], {}, ["text"], {"a": "text"}]
WRONG_AMOUNTS: dict[str, str] = {
    "zero": "0",
    "below zero": "-50000",
    "too little": "1999",
    "too much": "100000001",
    "more than a bigint": "9" * 40,
    "a fraction": "50000.5",
    "a float": "50000.0",
    "an exponent": "5e4",
    "beyond a float": "1e400",
    "not a number": "NaN",
    "infinite": "-Infinity",
    "a boolean": "true",
    "text": '"50000"',
    "nothing": "null",
    "a list": "[50000]",
    "an object": '{"vnd": 50000}',
}
WRONG_KEYS = ["", "two words", "k" * 256, "tab\tbed", "ключ", "é", "a\u2028b"]
HUGE = b"x" * 70_000
WRONG_TX_REFS = ["", "T", "t1234abcd", "T1234ABCI", "T1234ABCD0", "T1234ABCD\n", "'; --", "\x00"]


@pytest.fixture(autouse=True)
def no_traceback(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Bad input is not a fault of ours: no test of this module may log one."""
    yield
    tracebacks = [r.getMessage() for r in caplog.get_records("call") if r.exc_info]
    assert tracebacks == []


def fault(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Status, code and fields at fault of an answer that has to be a whole problem document."""
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"urn:napvi:problem:{document['code']}"
    assert document["title"]
    assert document["status"] == answer.status_code
    fields = [error["field"] for error in document.get("errors", [])]
    assert all(error["detail"] for error in document.get("errors", []))
    return answer.status_code, document["code"], sorted(fields)


def invalid(*fields: str) -> tuple[int, str, list[str]]:
    return 400, "invalid_request", sorted(fields)


async def post(payer: Payer, path: str, body: bytes | str, **headers: str) -> httpx.Response:
    return await payer.client.post(path, content=body, headers=JSON | headers)


async def test_no_endpoint_is_missing_from_these_tables(napvi: Napvi) -> None:
    tables = [*TAKES_JSON, *TAKES_TX_REF, *TAKES_NOTHING, *PAGES, WEBHOOK_PATH]
    assert sorted({rule.rule for rule in napvi.app.url_map.iter_rules()}) == sorted(tables)


@pytest.mark.parametrize("path", TAKES_JSON)
async def test_a_body_that_is_no_json_is_refused(payer: Payer, path: str) -> None:
    answers = {name: fault(await post(payer, path, body)) for name, body in NO_JSON.items()}
    assert answers == dict.fromkeys(NO_JSON, invalid("body"))


@pytest.mark.parametrize("path", TAKES_JSON)
async def test_a_body_that_is_no_object_is_refused(payer: Payer, path: str) -> None:
    answers = [fault(await post(payer, path, json.dumps(body))) for body in NO_OBJECT]
    assert answers == [invalid("body")] * len(NO_OBJECT)


@pytest.mark.parametrize("path", TAKES_JSON)
async def test_every_field_that_is_missing_is_named(payer: Payer, path: str) -> None:
    good = TAKES_JSON[path]
    assert fault(await post(payer, path, "{}")) == invalid(*good)
    for name in good:
        rest = {other: good[other] for other in good if other != name}
        assert fault(await post(payer, path, json.dumps(rest))) == invalid(name)


@pytest.mark.parametrize("path", TAKES_JSON)
async def test_every_field_of_the_wrong_type_is_named(payer: Payer, path: str) -> None:
    good = TAKES_JSON[path]
    for name in good:
        answers = [
            fault(await post(payer, path, json.dumps(good | {name: value})))
            for value in WRONG_TYPES
        ]
        assert answers == [invalid(name)] * len(WRONG_TYPES)


async def test_a_write_that_does_not_say_json_is_refused(payer: Payer) -> None:
    for path in (*TAKES_JSON, "/api/auth/logout"):
        for kind in ("", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"):
            body = json.dumps(TAKES_JSON.get(path, {}))
            answer = await post(payer, path, body, **{"Content-Type": kind})
            assert fault(answer) == (415, "wrong_content_type", []), (path, kind)


async def test_an_amount_that_cannot_be_is_refused(payer: Payer) -> None:
    answers = {
        name: fault(await post(payer, "/api/topup/init", f'{{"amount": {amount}}}'))
        for name, amount in WRONG_AMOUNTS.items()
    }
    assert answers == dict.fromkeys(WRONG_AMOUNTS, invalid("amount"))
    assert (await payer.client.get("/api/wallet")).json()["topups"] == []


@pytest.mark.parametrize("amount", [2_000, 100_000_000])
async def test_the_smallest_and_the_largest_amount_are_taken(payer: Payer, amount: int) -> None:
    assert (await payer.open(amount))["amount"] == amount


async def test_an_idempotency_key_that_cannot_be_is_refused(payer: Payer) -> None:
    faults = {}
    for key in WRONG_KEYS:
        headers = {b"Content-Type": b"application/json", b"Idempotency-Key": key.encode()}
        answer = await payer.client.post(
            "/api/topup/init", content=b'{"amount": 50000}', headers=headers
        )
        faults[key] = fault(answer)
    assert faults == dict.fromkeys(WRONG_KEYS, invalid("Idempotency-Key"))
    assert (await payer.client.get("/api/wallet")).json()["topups"] == []


async def test_the_longest_idempotency_key_is_taken(payer: Payer) -> None:
    assert (await payer.init(key="~" * 255)).status_code == 201


@pytest.mark.parametrize("path", TAKES_TX_REF)
async def test_a_tx_ref_that_cannot_be_is_refused(payer: Payer, path: str) -> None:
    answers = {
        tx_ref: fault(await payer.client.get(path, params={"tx_ref": tx_ref}))
        for tx_ref in WRONG_TX_REFS
    }
    assert answers == dict.fromkeys(WRONG_TX_REFS, invalid("tx_ref"))
    assert fault(await payer.client.get(path)) == invalid("tx_ref")
    assert fault(await payer.client.get(f"{path}?tx_ref=%ff%fe")) == invalid("tx_ref")


@pytest.mark.parametrize("path", TAKES_TX_REF)
async def test_a_topup_of_nobody_and_of_somebody_else_are_not_found(
    napvi: Napvi, topup: dict[str, Any], path: str
) -> None:
    async with napvi.payer() as stranger:
        for tx_ref in ("TZZZZZZZZ", topup["tx_ref"]):
            answer = await stranger.client.get(path, params={"tx_ref": tx_ref})
            assert fault(answer) == (404, "topup_not_found", [])


async def test_a_huge_body_is_refused_wherever_it_is_sent(payer: Payer) -> None:
    addresses = {path: "POST" for path in (*TAKES_JSON, WEBHOOK_PATH)} | TAKES_NOTHING
    for path, method in (addresses | dict.fromkeys((*TAKES_TX_REF, *PAGES), "GET")).items():
        answer = await payer.client.request(method, path, content=HUGE, headers=JSON)
        assert answer.status_code == 413, path
        if path not in PAGES:
            assert fault(answer) == (413, "body_too_large", []), path


async def test_a_webhook_that_is_none_is_refused(payer: Payer) -> None:
    for body in (b"", b"{", b"[]", b'{"data": {}, "signature": 1}', b"\xff"):
        status, code, _ = fault(await post(payer, WEBHOOK_PATH, body))
        assert (status, code) == (400, "invalid_request"), body


async def test_another_method_is_refused(payer: Payer) -> None:
    for path in (*TAKES_JSON, WEBHOOK_PATH):
        for method in ("GET", "PUT", "PATCH", "DELETE", "PROPFIND"):
            answer = await payer.client.request(method, path, content=b"{}", headers=JSON)
            assert fault(answer) == (405, "method_not_allowed", []), (path, method)


async def test_another_method_is_refused_whatever_it_says_of_itself(payer: Payer) -> None:
    for path in ("/api/wallet", "/api/topup/init", *TAKES_TX_REF):
        answer = await payer.client.request("TRACE", path)
        assert fault(answer) == (405, "method_not_allowed", []), path
        assert answer.headers["Allow"], path


async def test_an_address_that_is_none_is_refused(payer: Payer) -> None:
    for path in ("/api", "/api/topup/", "/api/topup/init/", "/static/../app.py", "/%00", "/%ff"):
        assert fault(await payer.client.get(path)) == (404, "not_found", []), path


@pytest.mark.parametrize("upgrade", ["", "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"])
async def test_an_address_that_cannot_be_parsed_is_refused(napvi: Napvi, upgrade: str) -> None:
    addresses = [("?", "x"), ("?tx_ref=T00000000", "x"), ("http://[/healthz", "x"), ("*", "x")]
    hosts = ["..", "a" * 64, "é", "x." * 128]
    for target, host in [*addresses, *(("/healthz", host) for host in hosts)]:
        request = (
            f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{upgrade}"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Connection: {'upgrade' if upgrade else 'close'}\r\n\r\n"
        )
        answer = await raw_answer(napvi, request.encode("latin1"))
        assert answer.startswith(b"HTTP/1.1 404 "), (target, host)
        assert b"application/problem+json" in answer


async def raw_answer(napvi: Napvi, request: bytes) -> bytes:
    """The head of the answer to what no HTTP library would send."""
    host, port = napvi.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return answer


async def test_a_cookie_that_is_no_login_is_no_login(napvi: Napvi) -> None:
    for cookie in ("", "x", "a.b.c", "=" * 4_000, '"', "napvi_session"):
        async with napvi.visitor() as visitor:
            headers = {"Cookie": f"napvi_session={cookie}"}
            answer = await visitor.get("/api/auth/me", headers=headers)
        assert fault(answer) == (401, "not_logged_in", []), cookie


async def test_no_log_holds_a_secret_or_a_payer(
    napvi: Napvi, caplog: pytest.LogCaptureFixture
) -> None:
    """From the account to the money, with everything that can be wrong on the way."""
    caplog.set_level(logging.DEBUG)
    async with napvi.payer() as payer:
        cookie = payer.client.cookies["napvi_session"]
        topup = await payer.open()
        for body in (*NO_JSON.values(), json.dumps(ACCOUNT | {"username": PASSWORD}).encode()):
            for path in TAKES_JSON:
                await post(payer, path, body)
        await post(payer, "/api/auth/login", json.dumps(ACCOUNT))
        data = transfer_data(topup["order_code"], reference="FTSECRET")
        for wrong in (data, data | {"amount": "50000"}, data | {"orderCode": 999}):
            await post(payer, WEBHOOK_PATH, signed(wrong))
            await post(payer, WEBHOOK_PATH, signed(wrong, "another key"))
        await napvi.pay(topup["order_code"], 50_000)
        async with payer.stream(topup["tx_ref"]) as stream:
            await stream.rest()
        await payer.client.post("/api/auth/logout", json={})
    log = "\n".join(OneLine().format(record) for record in caplog.records if worth_saying(record))
    assert f"tx_ref={topup['tx_ref']}" in log, "there is a log to look at"
    payers = ["TRẦN", "NGUYỄN", "9876543210", "0071000123456"]
    secrets = [PASSWORD, cookie, API_KEY, CHECKSUM_KEY, SECRET_KEY, "anna"]
    assert [text for text in (*payers, *secrets) if text in log] == []
