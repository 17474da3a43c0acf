"""The calls to PayOS, against the simulator and against servers that misbehave."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from quart import ResponseReturnValue, request

from app.errors import PayOSRefused, PayOSTimeout
from app.model import PaymentLink
from app.payos.gateway import Gateway, OrderCodeTaken, checkout_site
from app.payos.refusal import RefusedWithCode
from app.payos.simulator import create_simulator
from app.payos.webhook import read_webhook
from tests.payos.calling import STATE, answering, create, envelope, gateway_to, http
from tests.payos.conftest import Shop
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID, LINK_ID
from tests.ports import held_port


async def test_a_link_tells_where_and_how_to_pay(gateway: Gateway, simulator_url: str) -> None:
    link = await create(gateway)
    assert link.checkout_url == f"{simulator_url}/web/{link.payment_link_id}"
    assert link.qr_code.startswith("000201")
    assert link.account_number in link.qr_code
    assert link.bank_bin == "970422"
    assert link.account_name
    assert link.transfer_message.endswith(" T1234ABCD")


async def test_a_link_expires_when_it_was_told_to(
    gateway: Gateway, browser: httpx.AsyncClient
) -> None:
    expires_at = datetime(2037, 1, 2, 3, 4, 5, tzinfo=UTC)
    link = await create(gateway, expires_at=expires_at)
    assert "10:04:05" in (await browser.get(link.checkout_url)).text


async def test_a_transfer_found_by_asking_has_the_event_id_of_its_webhook(
    gateway: Gateway, browser: httpx.AsyncClient, shop: Shop
) -> None:
    link = await create(gateway)
    await browser.post("/simulator/links/5001/pay", json={"amount": 20_000})
    state = await gateway.find_link(5001)
    assert state is not None
    assert (state.status, state.amount, state.amount_paid) == ("UNDERPAID", 50_000, 20_000)
    assert (state.payment_link_id, state.order_code) == (link.payment_link_id, 5001)
    [transfer] = state.transfers

    fact = read_webhook(shop.bodies[0], [CHECKSUM_KEY], CLIENT_ID).fact
    assert state.fact(transfer, CLIENT_ID).event_id == fact.event_id
    assert transfer.at == fact.occurred_at
    assert transfer.amount == fact.data["amount"]
    assert transfer.account_number == fact.data["account_number"]


async def test_an_unknown_order_is_none(gateway: Gateway) -> None:
    assert await gateway.find_link(999) is None
    assert await gateway.cancel_link(999, "huỷ") is None


async def test_a_cancelled_link_is_cancelled(gateway: Gateway) -> None:
    await create(gateway)
    state = await gateway.cancel_link(5001, "người dùng huỷ")
    assert state is not None
    assert state.status == "CANCELLED"


async def test_a_paid_link_refuses_to_be_cancelled(
    gateway: Gateway, browser: httpx.AsyncClient
) -> None:
    await create(gateway)
    await browser.post("/simulator/links/5001/pay")
    with pytest.raises(RefusedWithCode):
        await gateway.cancel_link(5001, "người dùng huỷ")


async def test_registering_the_webhook_rings_there(gateway: Gateway, shop: Shop) -> None:
    assert await gateway.confirm_webhook(shop.url) == "0901234567890"
    assert read_webhook(shop.bodies[0], [CHECKSUM_KEY], CLIENT_ID).is_ping


async def test_a_webhook_that_does_not_answer_is_refused(gateway: Gateway, shop: Shop) -> None:
    shop.status = 500
    with pytest.raises(RefusedWithCode) as refusal:
        await gateway.confirm_webhook(shop.url)
    assert refusal.value.payos_code == "20"


async def test_the_same_order_again_is_the_same_link_without_its_qr_code(
    gateway: Gateway, browser: httpx.AsyncClient
) -> None:
    first = await create(gateway)
    again = await create(gateway)
    assert again == PaymentLink(first.payment_link_id, first.checkout_url, "", "", "", "", "")
    assert (await browser.get(again.checkout_url)).status_code == 200


async def test_an_order_code_that_is_taken_by_another_amount_is_told_apart(
    gateway: Gateway,
) -> None:
    await create(gateway)
    with pytest.raises(OrderCodeTaken):
        await create(gateway, amount_vnd=60_000)


OPENED_AT = datetime(2026, 1, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("created_at", ["2026-01-01T07:57:59+07:00", "2025-12-31T01:00:00Z"])
async def test_an_order_that_is_older_than_the_topup_is_somebody_elses(created_at: str) -> None:
    async with made_at(created_at) as gateway:
        with pytest.raises(OrderCodeTaken):
            await create(gateway, opened_at=OPENED_AT)


@pytest.mark.parametrize(
    "created_at",
    ["2026-01-01T07:58:01+07:00", "2026-01-01T00:59:00Z", "2020-01-01T00:00:00", "once", None, 7],
)
async def test_an_order_as_old_as_the_topup_by_any_clock_or_of_unknown_age_may_be_ours(
    created_at: object,
) -> None:
    async with made_at(created_at) as gateway:
        assert (await create(gateway, opened_at=OPENED_AT)).payment_link_id == LINK_ID


@asynccontextmanager
async def made_at(created_at: object) -> AsyncIterator[Gateway]:
    """A PayOS that gives no answer to a new link, and then tells of one."""
    state = envelope({**STATE, "createdAt": created_at})
    async with answering(None, state) as url, gateway_to(url) as gateway:
        yield gateway


async def test_an_order_that_is_closed_is_not_found_again(gateway: Gateway) -> None:
    await create(gateway)
    await gateway.cancel_link(5001, "huỷ")
    with pytest.raises(OrderCodeTaken):
        await create(gateway)


async def test_an_order_that_our_payer_has_paid_keeps_its_code(
    gateway: Gateway, browser: httpx.AsyncClient
) -> None:
    await create(gateway)
    await browser.post("/simulator/links/5001/pay", json={"amount": 20_000})
    with pytest.raises(RefusedWithCode) as refusal:
        await create(gateway)
    assert refusal.value.payos_code == "231"
    with pytest.raises(OrderCodeTaken):
        await create(gateway, description="T0000000Z")


async def test_a_payment_whose_description_a_bank_wrote_small_is_of_our_payer() -> None:
    transfer = {
        "reference": "FT1",
        "amount": 20_000,
        "description": "ck t1234abcd",
        "accountNumber": "1",
        "transactionDateTime": "2025-09-07T10:00:00+07:00",
    }
    paid = {**STATE, "status": "UNDERPAID", "amountPaid": 20_000, "transactions": [transfer]}
    taken = http(b'{"code":"231","desc":"it exists"}')
    async with answering(taken, envelope(paid)) as url, gateway_to(url) as gateway:
        with pytest.raises(RefusedWithCode):
            await create(gateway)


async def test_a_description_that_is_too_long_is_refused_with_its_code(gateway: Gateway) -> None:
    with pytest.raises(RefusedWithCode) as refusal:
        await create(gateway, description="x" * 26)
    assert refusal.value.payos_code == "20"
    assert refusal.value.http_status == 502


async def test_wrong_credentials_are_refused_with_their_code(simulator_url: str) -> None:
    async with gateway_to(simulator_url, payos_api_key="wrong") as gateway:
        for call in (create(gateway), gateway.find_link(1), gateway.confirm_webhook("x")):
            with pytest.raises(RefusedWithCode) as refusal:
                await call
            assert refusal.value.payos_code == "214"


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b'{"statusCode":401,"message":"Unauthorized"}', b"<html>"])
async def test_who_is_not_let_in_is_told_so_without_a_code(status: int, body: bytes) -> None:
    async with answering(http(body, status)) as url, gateway_to(url) as gateway:
        with pytest.raises(RefusedWithCode) as refusal:
            await gateway.find_link(5001)
    assert (refusal.value.payos_code, refusal.value.is_about_order) == (str(status), False)


async def test_a_base_url_with_a_path_keeps_it(
    serve: Callable[[Any], Awaitable[str]],
) -> None:
    simulator = create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY)

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http":
            assert path.startswith("/payos/")
            path = path.removeprefix("/payos")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await simulator(scope, receive, send)

    async with gateway_to(await serve(mounted) + "/payos") as gateway:
        assert await gateway.find_link(1) is None


async def test_a_link_that_was_made_although_the_answer_got_lost_is_found(
    serve: Callable[[Any], Awaitable[str]],
) -> None:
    simulator = create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY)
    lost: list[str] = []

    async def losing_the_first_answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or lost:
            await simulator(scope, receive, send)
            return
        lost.append(scope["path"])

        gone = asyncio.Event()

        async def receive_or_hear_of_it() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                gone.set()
            return message

        async def swallow(message: Any) -> None:
            pass

        await simulator(scope, receive_or_hear_of_it, swallow)  # Quart 0.23 stays until then
        while not gone.is_set():
            await receive_or_hear_of_it()

    for retries in (0, 1):
        lost.clear()
        url = await serve(losing_the_first_answer)
        async with gateway_to(url, payos_timeout_seconds=2.0, payos_retries=retries) as gateway:
            link = await create(gateway, order_code=7000 + retries)
            state = await gateway.find_link(7000 + retries)
        assert lost == ["/v2/payment-requests"]
        assert state is not None
        assert link.payment_link_id == state.payment_link_id
        assert link.qr_code == ""


@pytest.mark.parametrize(
    "answer",
    [http(b"<html>"), http(b"", 502), None, envelope({"paymentLinkId": "1"})],
    ids=["page of html", "bad gateway", "hung up", "without a link"],
)
async def test_after_an_unclear_answer_payos_is_asked_again(answer: bytes | None) -> None:
    async with answering(answer, envelope(STATE)) as url, gateway_to(url) as gateway:
        link = await create(gateway)
        assert link.payment_link_id == LINK_ID
        assert link.checkout_url == f"{url}/web/{LINK_ID}"


async def test_where_payos_knows_no_link_the_first_problem_stands() -> None:
    unknown = http(b'{"code":"101","desc":"x"}')
    async with answering(None, unknown) as url, gateway_to(url) as gateway:
        with pytest.raises(PayOSTimeout):
            await create(gateway)
    async with answering(http(b"<html>"), unknown) as url, gateway_to(url) as gateway:
        with pytest.raises(PayOSRefused):
            await create(gateway)


async def test_a_refusal_with_a_code_is_not_asked_about() -> None:
    refusal = http(b'{"code":"20","desc":"no"}')
    async with answering(refusal) as url, gateway_to(url) as gateway:
        with pytest.raises(RefusedWithCode, match="code 20: no"):
            await create(gateway)


async def test_a_server_that_hangs_up_or_is_not_there_is_no_answer() -> None:
    async with answering(None, None) as url, gateway_to(url) as gateway:
        with pytest.raises(PayOSTimeout):
            await create(gateway)
    with held_port() as port:
        async with gateway_to(f"http://127.0.0.1:{port}") as gateway:
            with pytest.raises(PayOSTimeout):
                await gateway.find_link(5001)


async def test_a_server_that_keeps_silent_costs_a_bounded_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with gateway_to(url, payos_timeout_seconds=0.2) as gateway:
            started = time.monotonic()
            with pytest.raises(PayOSTimeout):
                await create(gateway)
            assert time.monotonic() - started < 10


async def test_a_second_attempt_is_made_after_a_server_error() -> None:
    async with (
        answering(http(b"", 503), envelope(STATE)) as url,
        gateway_to(url, payos_retries=1) as gateway,
    ):
        assert await gateway.find_link(5001) is not None


async def test_a_second_attempt_to_cancel_is_signed_as_well(
    serve: Callable[[Any], Awaitable[str]],
) -> None:
    payos = create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY)
    failures = iter([500])

    @payos.before_request
    async def fail_once() -> ResponseReturnValue | None:
        status = next(failures, None) if request.path.endswith("/cancel") else None
        return None if status is None else ("", status)

    async with gateway_to(await serve(payos), payos_retries=1) as gateway:
        await create(gateway)
        state = await gateway.cancel_link(5001, "người dùng huỷ")
    assert state is not None
    assert state.status == "CANCELLED"
    assert payos.orders.find("5001").cancellation_reason == "người dùng huỷ"


async def test_a_caller_that_gives_up_is_not_held(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.payos.calls")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with gateway_to(url) as gateway:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await gateway.find_link(5001)
    assert "outcome=cancelled" in caplog.text


async def test_the_log_names_the_call_and_nothing_secret(
    simulator_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with gateway_to(simulator_url) as gateway:
        await create(gateway)
        await gateway.find_link(999)
    assert "event=payos.call operation=create order_code=5001 outcome=ok" in caplog.text
    assert (
        "event=payos.call operation=find order_code=999 outcome=refused reason=101" in caplog.text
    )
    for secret in (API_KEY, CHECKSUM_KEY, "T1234ABCD", "qrCode"):
        assert secret not in caplog.text


def test_the_checkout_pages_of_the_real_payos_have_a_site_of_their_own() -> None:
    assert checkout_site("https://api-merchant.payos.vn/") == "https://pay.payos.vn"
    assert checkout_site("http://127.0.0.1:9000/payos/") == "http://127.0.0.1:9000/payos"
