"""The merchant API of PayOS: payment links and the registration of the webhook."""

import json
from dataclasses import dataclass

from quart import Blueprint, Response, abort, request

from app.errors import InvalidRequest
from app.payos.fields import required_text, text
from app.payos.ping import PING
from app.payos.signature import sign, verify
from app.payos.simulator.bank import Account, Orders, UnknownOrder
from app.payos.simulator.creation import Creation
from app.payos.simulator.delivery import Courier
from app.payos.simulator.faults import Fault, Place
from app.payos.simulator.link_request import Refusal, new_order
from app.payos.simulator.plan import Plan
from app.payos.simulator.wire import JsonObject, created_link, link, registration

UNANSWERED = {Fault.SERVER_ERROR: (503, 60), Fault.RATE_LIMIT: (429, 1)}
"""The status, and after how many seconds one shall come again."""


@dataclass(frozen=True, slots=True)
class Channel:
    """A payment channel: the credentials of a shop, and its account."""

    client_id: str
    api_key: str
    checksum_key: str
    account: Account


class MerchantApi:
    """The endpoints that the official SDK calls. Unknown orders are code 101, never a 404."""

    def __init__(
        self,
        channel: Channel,
        orders: Orders,
        creation: Creation,
        courier: Courier,
        plan: Plan,
    ) -> None:
        self._channel = channel
        self._orders = orders
        self._creation = creation
        self._courier = courier
        self._plan = plan

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("api", __name__)
        blueprint.before_request(self._check_credentials)
        blueprint.post("/v2/payment-requests")(self.create)
        blueprint.get("/v2/payment-requests/<identifier>")(self.get)
        blueprint.post("/v2/payment-requests/<identifier>/cancel")(self.cancel)
        blueprint.post("/confirm-webhook")(self.confirm_webhook)
        blueprint.register_error_handler(Refusal, _refuse)
        blueprint.register_error_handler(InvalidRequest, _refuse_fields)
        blueprint.register_error_handler(UnknownOrder, _refuse_unknown)
        return blueprint

    async def create(self) -> JsonObject:
        channel = self._channel
        order = new_order(await _json(), channel.checksum_key, channel.account)
        await self._creation.add(order)
        site = request.host_url.rstrip("/")
        return self._signed(created_link(order, f"{site}/web/{order.payment_link_id}"))

    async def get(self, identifier: str) -> JsonObject:
        self._meet_fault()
        return self._signed(link(self._orders.find(identifier)))

    async def cancel(self, identifier: str) -> JsonObject:
        self._meet_fault()
        body = await _json()
        signature = body.pop("signature", None)
        if signature is not None and not self._is_signed(body, signature):
            raise Refusal("201", "Mã kiểm tra (signature) không hợp lệ")
        order = self._orders.find(identifier)
        if order.status == "PAID":
            raise Refusal("20", "Đơn hàng đã được thanh toán")
        order.cancel(text(body, "cancellationReason") or None)
        return self._signed(link(order))

    async def confirm_webhook(self) -> JsonObject:
        """Calls the URL before it answers, and does not sign the answer: just as PayOS."""
        url = required_text(await _json(), "webhookUrl")
        delivery = await self._courier.deliver(url, PING)
        if delivery.complaint is not None:
            raise Refusal("20", "Webhook url không hoạt động", delivery.complaint)
        self._courier.url = url
        return {"code": "00", "desc": "success", "data": registration(self._channel.account, url)}

    async def _check_credentials(self) -> None:
        given = (request.headers.get("x-client-id"), request.headers.get("x-api-key"))
        if given != (self._channel.client_id, self._channel.api_key):
            raise Refusal("214", "Cổng thanh toán không tồn tại hoặc đã tạm dừng")

    def _meet_fault(self) -> None:
        """Raises what Quart answers instead of what was asked for."""
        fault = self._plan.draw(Place.CALL)
        if fault is not None:
            status, pause_seconds = UNANSWERED[fault]
            abort(Response("", status, {"Retry-After": str(pause_seconds)}))

    def _is_signed(self, body: JsonObject, signature: object) -> bool:
        return verify(body, str(signature), [self._channel.checksum_key]) is not None

    def _signed(self, data: JsonObject) -> JsonObject:
        signature = sign(data, self._channel.checksum_key)
        return {"code": "00", "desc": "success", "data": data, "signature": signature}


async def _refuse(refusal: Refusal) -> JsonObject:
    return refusal.envelope


async def _refuse_fields(problem: InvalidRequest) -> JsonObject:
    faults = "; ".join(f"{name} {fault}" for name, fault in problem.fields.items())
    return Refusal("20", f"Thông tin truyền lên không đúng: {faults}").envelope


async def _refuse_unknown(_error: Exception) -> JsonObject:
    return Refusal("101", "Mã thanh toán không tồn tại").envelope


async def _json() -> JsonObject:
    try:
        body = json.loads(await request.get_data())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal("20", "Thông tin truyền lên không đúng")
    return body
