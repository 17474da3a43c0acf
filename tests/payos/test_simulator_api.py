"""The simulator's API: the official SDK works against it, and it refuses what PayOS refuses."""

import json
import socket
import time

import httpx
import payos
import pytest

from app.payos.ping import PING
from app.payos.signature import sign, sign_create_link
from app.payos.simulator.delivery import Courier
from app.payos.webhook import read_webhook
from tests.payos.conftest import Shop
from tests.payos.wire import CHECKSUM_KEY, CLIENT_ID, CREDENTIALS, link_request


async def test_the_official_sdk_makes_reads_and_cancels_a_link(sdk: payos.AsyncPayOS) -> None:
    expires_at = int(time.time()) + 900
    created = await sdk.payment_requests.create(link_request(expired_at=expires_at))
    assert created.status == "PENDING"
    assert created.expired_at == expires_at
    assert created.bin == "970422"

    for identifier in (5001, created.payment_link_id):
        link = await sdk.payment_requests.get(identifier)
        assert (link.id, link.order_code) == (created.payment_link_id, 5001)
        assert (link.amount, link.amount_paid, link.amount_remaining) == (50_000, 0, 50_000)
        assert link.transactions == []

    cancelled = await sdk.payment_requests.cancel(5001, "đổi ý")
    assert (cancelled.status, cancelled.cancellation_reason) == ("CANCELLED", "đổi ý")
    assert cancelled.canceled_at is not None
    assert (await sdk.payment_requests.cancel(5001)).cancellation_reason == "đổi ý"


async def test_the_official_sdk_registers_a_webhook_and_verifies_the_ring(
    sdk: payos.AsyncPayOS, shop: Shop
) -> None:
    confirmed = await sdk.webhooks.confirm(shop.url)
    assert confirmed.webhook_url == shop.url
    [ring] = shop.bodies
    verified = await sdk.webhooks.verify(ring)
    assert verified.reference == "TF230204212323"
    assert read_webhook(ring, [CHECKSUM_KEY], CLIENT_ID).is_ping


async def test_a_webhook_that_does_not_answer_is_not_registered(
    sdk: payos.AsyncPayOS, shop: Shop, browser: httpx.AsyncClient
) -> None:
    shop.status = 404
    with pytest.raises(payos.WebhookError) as refusal:
        await sdk.webhooks.confirm(shop.url + "?other")
    assert isinstance(refusal.value.__cause__, payos.APIError)
    assert refusal.value.__cause__.error_code == "20"
    assert refusal.value.__cause__.response is not None
    answer = refusal.value.__cause__.response.json()
    assert answer["data"] == "Request failed with status code 404"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/webhook", "nowhere", "http://["])
async def test_a_webhook_that_cannot_be_reached_is_not_registered(
    url: str, sdk: payos.AsyncPayOS
) -> None:
    with pytest.raises(payos.WebhookError):
        await sdk.webhooks.confirm(url)


async def test_the_official_sdk_verifies_the_webhook_of_a_payment(
    sdk: payos.AsyncPayOS, shop: Shop, browser: httpx.AsyncClient
) -> None:
    created = await sdk.payment_requests.create(link_request())
    told = (await browser.post("/simulator/links/5001/pay")).json()
    assert told["delivered"]

    [body] = shop.bodies
    verified = await sdk.webhooks.verify(body)
    assert (verified.order_code, verified.amount) == (5001, 50_000)
    assert verified.payment_link_id == created.payment_link_id
    prefix, _, tx_ref = verified.description.partition(" ")
    assert (len(prefix), tx_ref) == (11, "T1234ABCD")

    link = await sdk.payment_requests.get(5001)
    assert link.status == "PAID"
    [transaction] = link.transactions
    assert transaction.reference == verified.reference
    assert transaction.transaction_date_time.endswith("+07:00")
    assert told["webhook"]["reference"] == verified.reference


async def test_every_transfer_has_its_own_reference_and_counts(
    sdk: payos.AsyncPayOS, shop: Shop, browser: httpx.AsyncClient
) -> None:
    await sdk.payment_requests.create(link_request())
    seen = []
    for amount in (20_000, 10_000, 25_000):
        await browser.post("/simulator/links/5001/pay", json={"amount": amount})
        link = await sdk.payment_requests.get(5001)
        seen.append((link.status, link.amount_paid, link.amount_remaining))
    assert seen == [
        ("UNDERPAID", 20_000, 30_000),
        ("UNDERPAID", 30_000, 20_000),
        ("PAID", 55_000, 0),
    ]
    references = [(await sdk.webhooks.verify(body)).reference for body in shop.bodies]
    assert len(set(references)) == 3
    assert references == [transaction.reference for transaction in link.transactions]


async def test_the_last_webhook_is_sent_again_byte_for_byte(
    sdk: payos.AsyncPayOS, shop: Shop, browser: httpx.AsyncClient
) -> None:
    await sdk.payment_requests.create(link_request())
    assert (await browser.post("/simulator/links/5001/resend")).status_code == 409
    await browser.post("/simulator/links/5001/pay", json={"amount": 1_000})
    await browser.post("/simulator/links/5001/pay", json={"amount": 2_000})
    shop.status = 503
    told = (await browser.post("/simulator/links/5001/resend")).json()
    assert not told["delivered"]
    assert told["complaint"] == "Request failed with status code 503"
    assert shop.bodies[2] == shop.bodies[1] != shop.bodies[0]


async def test_money_that_comes_after_the_cancel_is_told_as_well(
    sdk: payos.AsyncPayOS, shop: Shop, browser: httpx.AsyncClient
) -> None:
    await sdk.payment_requests.create(link_request())
    cancelled = (await browser.post("/simulator/links/5001/cancel")).json()
    assert cancelled["status"] == "CANCELLED"
    assert shop.bodies == []
    assert (await browser.post("/simulator/links/5001/pay")).json()["delivered"]
    link = await sdk.payment_requests.get(5001)
    assert (link.status, link.amount_paid) == ("CANCELLED", 50_000)


async def test_a_paid_link_cannot_be_cancelled(
    sdk: payos.AsyncPayOS, browser: httpx.AsyncClient
) -> None:
    await sdk.payment_requests.create(link_request())
    await browser.post("/simulator/links/5001/pay")
    with pytest.raises(payos.APIError):
        await sdk.payment_requests.cancel(5001, "too late")


@pytest.mark.parametrize(
    ("answer", "path", "body"),
    [
        (404, "/simulator/links/999/pay", {}),
        (404, "/simulator/links/none/resend", {}),
        (404, "/simulator/links/999/cancel", {}),
        (400, "/simulator/links/5001/pay", {"amount": 0}),
        (400, "/simulator/links/5001/pay", {"amount": True}),
        (400, "/simulator/links/5001/pay", {"amount": "1"}),
        (400, "/simulator/links/5001/pay", [1]),
        (400, "/simulator/links/5001/pay", b"{"),
    ],
)
async def test_the_remote_control_refuses_what_it_does_not_understand(
    answer: int, path: str, body: object, sdk: payos.AsyncPayOS, browser: httpx.AsyncClient
) -> None:
    await sdk.payment_requests.create(link_request())
    content = body if isinstance(body, bytes) else json.dumps(body)
    assert (await browser.post(path, content=content)).status_code == answer


def signed_request(**fields: object) -> dict[str, object]:
    body = {**link_request().model_dump_camel_case(), **fields}
    return {**body, "signature": sign_create_link(body, CHECKSUM_KEY), **fields}


REFUSED = {
    "description too long": ("20", signed_request(description="x" * 26)),
    "description missing": ("20", signed_request(description=None)),
    "amount zero": ("20", signed_request(amount=0)),
    "amount text": ("20", signed_request(amount="50000")),
    "order code beyond javascript": ("20", signed_request(orderCode=2**53)),
    "expired already": ("20", signed_request(expiredAt=1_600_000_000)),
    "expiry beyond 32 bits": ("20", signed_request(expiredAt=2**40)),
    "wrong signature": ("201", signed_request(signature="0" * 64)),
    "signature missing": ("201", signed_request(signature=None)),
    "return address of a script": ("01", signed_request(returnUrl="javascript:alert(1)")),
}


@pytest.mark.parametrize(("code", "body"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_refused_link_is_http_200_with_a_business_code(
    code: str, body: dict[str, object], browser: httpx.AsyncClient
) -> None:
    answer = await browser.post("/v2/payment-requests", json=body, headers=CREDENTIALS)
    assert answer.status_code == 200
    assert (answer.json()["code"], answer.json()["data"]) == (code, None)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"[" * 60_000])
async def test_a_request_that_is_no_json_object_is_code_20(
    body: bytes, browser: httpx.AsyncClient
) -> None:
    answer = await browser.post("/v2/payment-requests", content=body, headers=CREDENTIALS)
    assert (answer.status_code, answer.json()["code"]) == (200, "20")


async def test_an_order_code_is_good_for_one_link(sdk: payos.AsyncPayOS) -> None:
    await sdk.payment_requests.create(link_request())
    await sdk.payment_requests.cancel(5001)
    with pytest.raises(payos.APIError) as refusal:
        await sdk.payment_requests.create(link_request(amount=7_000))
    assert (refusal.value.status_code, refusal.value.error_code) == (200, "231")


@pytest.mark.parametrize("identifier", ["999", "0" * 32, "none", "9" * 5_000, "½"])
async def test_an_unknown_link_is_code_101(identifier: str, browser: httpx.AsyncClient) -> None:
    path = f"/v2/payment-requests/{identifier}"
    read = await browser.get(path, headers=CREDENTIALS)
    cancelled = await browser.post(f"{path}/cancel", json={}, headers=CREDENTIALS)
    for answer in (read, cancelled):
        assert (answer.status_code, answer.json()["code"]) == (200, "101")


async def test_a_cancel_with_the_wrong_signature_is_refused(
    sdk: payos.AsyncPayOS, browser: httpx.AsyncClient
) -> None:
    await sdk.payment_requests.create(link_request())
    reason = {"cancellationReason": "x"}
    body = {**reason, "signature": sign(reason, "another key")}
    path = "/v2/payment-requests/5001/cancel"
    answer = await browser.post(path, json=body, headers=CREDENTIALS)
    assert answer.json()["code"] == "201"


@pytest.mark.parametrize(
    "headers", [{}, {**CREDENTIALS, "x-api-key": "x"}, {**CREDENTIALS, "x-client-id": "x"}]
)
async def test_wrong_credentials_look_like_a_missing_channel(
    headers: dict[str, str], browser: httpx.AsyncClient
) -> None:
    for answer in (
        await browser.post("/v2/payment-requests", json=signed_request(), headers=headers),
        await browser.get("/v2/payment-requests/5001", headers=headers),
        await browser.post("/confirm-webhook", json={}, headers=headers),
    ):
        assert (answer.status_code, answer.json()["code"]) == (200, "214")


async def test_a_shop_that_keeps_silent_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        courier = Courier(CHECKSUM_KEY, url, timeout_seconds=0.1)
        delivery = await courier.deliver(url, PING)
        await courier.close()
    assert delivery.complaint == "timeout exceeded"
