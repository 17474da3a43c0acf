"""What PayOS may answer, and the one problem, or none, that each answer is to us."""

import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.errors import PayOSRefused, PayOSTimeout, PayOSUnavailable
from app.payos.gateway import Gateway
from app.payos.refusal import RefusedWithCode
from app.payos.response_hook import RateLimited
from tests.payos.calling import CREATED, STATE, answering, create, envelope, gateway_to, http
from tests.payos.wire import LINK_ID

TRANSFER = {
    "reference": "FT25250123456789",
    "amount": 20_000,
    "accountNumber": "0123456789",
    "description": "CSED51ZGP85 T1234ABCD",
    "transactionDateTime": "2025-09-07T10:11:12+07:00",
}

UNREADABLE = {
    "page of html": http(b"<html>"),
    "empty": http(b""),
    "list": http(b"[1]"),
    "text": http(b'"x"'),
    "list with an error": http(b"[1]", 400),
    "list with a server error": http(b"[1]", 500),
    "text with a server error": http(b'"x"', 500),
    "error page": http(b"<html>", 503),
    "empty server error": http(b"", 502),
    "server error with a code": http(b'{"code":"20","desc":"x"}', 500),
    "code a number": http(b'{"code":20,"desc":"x"}'),
    "redirect": http(b"", 302, "Location: /elsewhere\r\n"),
    "not utf-8": http(b'{"code":"\xff"}'),
    "nested too deeply": http(b"[" * 100_000),
    "unknown encoding": http(b"not gzip", 200, "Content-Encoding: gzip\r\n"),
    "no code": http(b"{}"),
    "no data": http(b'{"code":"00","data":null}'),
    "data a list": http(b'{"code":"00","data":[1],"signature":"x"}'),
    "no signature": http(b'{"code":"00","data":{"id":"1"}}'),
    "signature null": http(b'{"code":"00","data":{"id":"1"},"signature":null}'),
    "wrong signature": http(b'{"code":"00","data":{"id":"1"},"signature":"00"}'),
    "signature of another key": envelope(STATE, "another key"),
    "object inside, wrong signature": http(b'{"code":"00","data":{"id":{"x":1}},"signature":"00"}'),
    "signed nonsense": envelope({"id": "1"}),
    "link id missing": envelope({name: STATE[name] for name in STATE if name != "id"}),
    "amount missing": envelope({name: STATE[name] for name in STATE if name != "amount"}),
    "amount a text": envelope({**STATE, "amount": "50000"}),
    "amount paid negative": envelope({**STATE, "amountPaid": -1}),
    "another order": envelope({**STATE, "orderCode": 5002}),
    "status empty": envelope({**STATE, "status": ""}),
    "rate limit that is no number": http(b"", 503, "x-ratelimit-reset: soon\r\n"),
}

REFUSALS = {
    "with 200": http(b'{"code":"214","desc":"x"}'),
    "with 200 and data": http(b'{"code":"214","desc":"x","data":{"a":1}}'),
    "with 400": http(b'{"code":"214","desc":"x"}', 400),
    "with 401": http(b'{"code":"214","desc":"x"}', 401),
    "with 403": http(b'{"code":"214","desc":"x"}', 403),
    "with 404": http(b'{"code":"214","desc":"x"}', 404),
    "without a description": http(b'{"code":"214"}'),
}

NO_ANSWER = {"hung up": None, "no http": b"\x16\x03\x01 not http at all\r\n\r\n"}

Ask = Callable[[Gateway], Awaitable[object]]
ASKING: dict[str, Ask] = {
    "find": lambda gateway: gateway.find_link(5001),
    "cancel": lambda gateway: gateway.cancel_link(5001, "huỷ"),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING.keys())
@pytest.mark.parametrize("answer", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_an_answer_that_makes_no_sense_is_refused_without_a_code(
    answer: bytes, ask: Ask
) -> None:
    async with answering(answer) as url, gateway_to(url) as gateway:
        with pytest.raises(PayOSRefused) as problem:
            await ask(gateway)
    assert type(problem.value) is PayOSRefused
    assert problem.value.http_status == 502


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING.keys())
@pytest.mark.parametrize("answer", REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_decision_of_payos_is_refused_with_its_code(answer: bytes, ask: Ask) -> None:
    async with answering(answer) as url, gateway_to(url) as gateway:
        with pytest.raises(RefusedWithCode) as problem:
            await ask(gateway)
    assert problem.value.payos_code == "214"


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING.keys())
@pytest.mark.parametrize("answer", NO_ANSWER.values(), ids=NO_ANSWER.keys())
async def test_a_connection_that_brings_no_answer_is_a_timeout(
    answer: bytes | None, ask: Ask
) -> None:
    async with answering(answer) as url, gateway_to(url) as gateway:
        with pytest.raises(PayOSTimeout):
            await ask(gateway)


@pytest.mark.parametrize(
    ("headers", "pause_seconds"),
    [
        ("Retry-After: 60", 60),
        ("Retry-After: 999999", 3600),
        ("Retry-After: soon", 10),
        ("X: y", 10),
    ],
)
async def test_a_rate_limit_is_passed_on_at_once_and_not_slept_through(
    headers: str, pause_seconds: int
) -> None:
    busy = http(b'{"code":"429","desc":"x"}', 429, f"{headers}\r\n")
    async with answering(busy) as url, gateway_to(url, payos_retries=3) as gateway:
        started = time.monotonic()
        with pytest.raises(RateLimited) as problem:
            await create(gateway)
        assert time.monotonic() - started < 5.0
    assert isinstance(problem.value, PayOSUnavailable)
    assert problem.value.http_status == 503
    assert problem.value.retry_after_seconds == pause_seconds


async def test_no_transfers_may_be_an_empty_object_as_in_the_documentation() -> None:
    async with (
        answering(envelope({**STATE, "transactions": {}})) as url,
        gateway_to(url) as gateway,
    ):
        state = await gateway.find_link(5001)
        assert state is not None
        assert state.transfers == ()


async def test_a_new_field_and_a_new_status_do_no_harm() -> None:
    created = envelope({**CREATED, "status": "DREAMING", "fee": 0, "notes": None})
    state = envelope({**STATE, "status": "DREAMING", "fee": 0.5})
    async with answering(created, state) as url, gateway_to(url) as gateway:
        assert (await create(gateway)).payment_link_id == LINK_ID
        found = await gateway.find_link(5001)
        assert found is not None
        assert found.status == "DREAMING"


@pytest.mark.parametrize("odd", [970422, None, {}, "\0"], ids=repr)
async def test_what_is_only_shown_costs_no_qr_code(odd: object) -> None:
    shown = ("bin", "accountNumber", "accountName", "description")
    created = envelope({**CREATED, **dict.fromkeys(shown, odd)})
    async with answering(created) as url, gateway_to(url) as gateway:
        assert (await create(gateway)).qr_code == CREATED["qrCode"]


@pytest.mark.parametrize(
    "entry",
    [1, None, "FT1", [], {}, {**TRANSFER, "amount": "20000"}, {**TRANSFER, "amount": -1},
     {**TRANSFER, "reference": 7}, {**TRANSFER, "reference": []}],
    ids=repr,
)  # fmt: skip
async def test_a_transfer_that_cannot_be_read_hides_neither_the_link_nor_the_others(
    entry: object,
) -> None:
    state = answered_with([TRANSFER, entry, TRANSFER | {"reference": "FT2"}])
    async with answering(state) as url, gateway_to(url) as gateway:
        found = await gateway.find_link(5001)
    assert found is not None
    assert [transfer.reference for transfer in found.transfers] == [TRANSFER["reference"], "FT2"]
    assert found.unreadable_transfers == 1


async def test_a_link_that_was_made_is_found_in_spite_of_a_transfer_that_cannot_be_read() -> None:
    async with answering(None, answered_with([{"amount": "?"}])) as url, gateway_to(url) as gateway:
        link = await create(gateway)
    assert link.payment_link_id == LINK_ID


@pytest.mark.parametrize("transactions", ["FT1", 7, {"reference": "FT1"}], ids=repr)
async def test_what_should_be_a_list_of_transfers_and_is_none_is_one_unreadable_transfer(
    transactions: object,
) -> None:
    async with answering(answered_with(transactions)) as url, gateway_to(url) as gateway:
        found = await gateway.find_link(5001)
    assert found is not None
    assert (found.transfers, found.unreadable_transfers) == ((), 1)


def answered_with(transactions: object) -> bytes:
    state: dict[str, Any] = {**STATE, "transactions": transactions}
    return envelope(state)


@pytest.mark.parametrize("order_code", [5002, "5001", None])
async def test_a_new_link_of_another_order_is_not_taken(order_code: object) -> None:
    created = envelope({**CREATED, "orderCode": order_code})
    async with answering(created, envelope(STATE)) as url, gateway_to(url) as gateway:
        assert (await create(gateway)).qr_code == "", "it was asked for"
    elsewhere = envelope({**STATE, "orderCode": 5002})
    async with answering(created, elsewhere) as url, gateway_to(url) as gateway:
        with pytest.raises(PayOSRefused):
            await create(gateway)
