"""Both official SDKs work against the simulator unchanged, and accept what it signs."""

import asyncio
from typing import Any

import payos
import pytest

from tests.payos.conformance.node import NodeSdk
from tests.payos.conftest import Shop
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID, link_request

REQUEST = {
    "orderCode": 7001,
    "amount": 50_000,
    "description": "T1234ABCD",
    "returnUrl": "https://shop.example/return",
    "cancelUrl": "https://shop.example/cancel?from=payos",
}


class Caller:
    """The Node SDK with the credentials of the channel, or with a wrong checksum key."""

    def __init__(self, node: NodeSdk, url: str, key: str = CHECKSUM_KEY) -> None:
        self._node = node
        self._options = {
            "clientId": CLIENT_ID, "apiKey": API_KEY, "checksumKey": key, "baseURL": url,
        }  # fmt: skip

    async def call(self, path: str, *args: object) -> Any:
        """What the SDK answers to sdk.path(*args)."""
        question = {"ask": "call", "options": self._options, "path": path.split("."), "args": args}
        [answer] = await asyncio.to_thread(self._node.ask, question)
        return answer


@pytest.fixture
def by_node(node: NodeSdk, simulator_url: str) -> Caller:
    return Caller(node, simulator_url)


async def test_node_makes_a_link_finds_it_and_cancels_it(by_node: Caller) -> None:
    made = (await by_node.call("paymentRequests.create", REQUEST))["ok"]
    assert (made["orderCode"], made["amount"], made["status"]) == (7001, 50_000, "PENDING")
    found = (await by_node.call("paymentRequests.get", 7001))["ok"]
    assert found["id"] == made["paymentLinkId"]
    cancelled = (await by_node.call("paymentRequests.cancel", 7001, "người dùng huỷ"))["ok"]
    assert (cancelled["status"], cancelled["cancellationReason"]) == (
        "CANCELLED",
        "người dùng huỷ",
    )


async def test_node_registers_a_webhook_and_believes_its_ring(
    by_node: Caller, node: NodeSdk, shop: Shop
) -> None:
    answer = await by_node.call("webhooks.confirm", shop.url)
    assert answer["ok"]["webhookUrl"] == shop.url
    ring = {"ask": "verify", "key": CHECKSUM_KEY, "body": shop.bodies[0].decode()}
    [verified] = await asyncio.to_thread(node.ask, ring)
    assert verified["ok"]["orderCode"] == 123


async def test_node_does_not_accept_an_answer_signed_with_another_key(
    by_node: Caller, node: NodeSdk, simulator_url: str
) -> None:
    await by_node.call("paymentRequests.create", REQUEST)
    answer = await Caller(node, simulator_url, "another key").call("paymentRequests.get", 7001)
    assert "integrity" in answer["message"]


async def test_refusals_have_the_same_code_for_both(by_node: Caller, sdk: payos.AsyncPayOS) -> None:
    assert "ok" in await by_node.call("paymentRequests.create", REQUEST)
    again = await by_node.call("paymentRequests.create", REQUEST)
    unknown = await by_node.call("paymentRequests.get", 999)
    assert (again["code"], unknown["code"]) == ("231", "101")
    with pytest.raises(payos.APIError) as refusal:
        await sdk.payment_requests.create(link_request(order_code=7001))
    assert refusal.value.error_code == again["code"]
    with pytest.raises(payos.APIError) as refusal:
        await sdk.payment_requests.get(999)
    assert refusal.value.error_code == unknown["code"]


async def test_python_makes_a_link_finds_it_cancels_it_and_registers_a_webhook(
    sdk: payos.AsyncPayOS, shop: Shop
) -> None:
    made = await sdk.payment_requests.create(link_request(order_code=7001))
    found = await sdk.payment_requests.get(7001)
    assert found.id == made.payment_link_id
    assert (await sdk.payment_requests.cancel(7001, "người dùng huỷ")).status == "CANCELLED"
    await sdk.webhooks.confirm(shop.url)
    assert (await sdk.webhooks.verify(shop.bodies[0])).order_code == 123
