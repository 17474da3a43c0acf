"""The buttons of the checkout page as JSON, for tests and scripts."""

import json
from typing import Any

from quart import Blueprint, ResponseReturnValue, request

from app.errors import InvalidRequest
from app.payos.fields import whole
from app.payos.simulator.bank import Order, Orders, Transfer, UnknownOrder
from app.payos.simulator.cashier import Cashier
from app.payos.simulator.delivery import Courier
from app.payos.simulator.faults import OF_A_PAYMENT, find_fault
from app.payos.simulator.postbox import Delivery
from app.payos.simulator.wire import link, webhook_data


class Remote:
    """POST /simulator/links/<order_code>/pay {"amount": đồng, "fault": name}, …/resend, …/cancel.

    `amount` defaults to what is still owed, `fault` to what the plan draws. Answers with the
    webhook's data and what came of its delivery; 404 for an unknown order, 409 where there is
    nothing to send again.
    """

    def __init__(self, orders: Orders, cashier: Cashier, courier: Courier) -> None:
        self._orders = orders
        self._cashier = cashier
        self._courier = courier

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("remote", __name__, url_prefix="/simulator/links/<order_code>")
        blueprint.post("/pay")(self.pay)
        blueprint.post("/resend")(self.resend)
        blueprint.post("/cancel")(self.cancel)
        blueprint.register_error_handler(UnknownOrder, _unknown)
        blueprint.register_error_handler(InvalidRequest, refuse)
        return blueprint

    async def pay(self, order_code: str) -> ResponseReturnValue:
        order = self._orders.find(order_code)
        body = {"amount": order.amount_remaining, **await json_object()}
        fault = None if body.get("fault") is None else find_fault(body["fault"], OF_A_PAYMENT)
        return _told(order, *await self._cashier.take(order, whole(body, "amount"), fault))

    async def resend(self, order_code: str) -> ResponseReturnValue:
        order = self._orders.find(order_code)
        if not order.transfers:
            return {"detail": "Nothing was paid yet."}, 409
        transfer = order.transfers[-1]
        return _told(order, transfer, await self._courier.tell(order, transfer))

    async def cancel(self, order_code: str) -> ResponseReturnValue:
        order = self._orders.find(order_code)
        order.cancel("Người mua huỷ")
        return link(order)


def _told(order: Order, transfer: Transfer, delivery: Delivery) -> dict[str, object]:
    return {
        "webhook": webhook_data(order, transfer),
        "delivered": delivery.complaint is None,
        "complaint": delivery.complaint,
        "milliseconds": delivery.milliseconds,
    }


async def _unknown(_error: Exception) -> ResponseReturnValue:
    return {"detail": "There is no such order."}, 404


async def refuse(problem: InvalidRequest) -> ResponseReturnValue:
    """As a problem document."""
    return problem.document(), problem.http_status


async def json_object() -> dict[str, Any]:
    """The body; empty where there is none. Raises InvalidRequest."""
    raw = await request.get_data()
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise InvalidRequest("The body is not a JSON object.")
    return body
