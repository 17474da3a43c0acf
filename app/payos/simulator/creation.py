"""What goes wrong while a payment link is made."""

import asyncio
from datetime import timedelta

from quart import Response, abort

from app.payos.simulator.bank import Order, Orders
from app.payos.simulator.cashier import Cashier
from app.payos.simulator.faults import Fault, Pace, Place
from app.payos.simulator.link_request import Refusal
from app.payos.simulator.plan import Plan

TAKEN = ("231", "Đơn thanh toán đã tồn tại")
MAINTENANCE = "<!doctype html><html lang=vi><title>Bảo trì</title><p>Hệ thống đang bảo trì.</p>"


class Creation:
    """Puts new orders into the books of the bank, or fails to, as the plan says."""

    def __init__(self, orders: Orders, cashier: Cashier, plan: Plan, pace: Pace) -> None:
        self._orders = orders
        self._cashier = cashier
        self._plan = plan
        self._pace = pace

    async def add(self, order: Order) -> None:
        """Returns when it is time to answer. Raises Refusal, or what Quart answers otherwise."""
        fault = self._plan.draw(Place.CREATE)
        await self._before(fault, order)
        if not self._orders.add(order):
            raise Refusal(*TAKEN)
        await self._after(fault, order)

    async def _before(self, fault: Fault | None, order: Order) -> None:
        match fault:
            case Fault.CODE_TAKEN:
                raise Refusal(*TAKEN)
            case Fault.CODE_TAKEN_PENDING:
                self._orders.add(_stranger(order))
            case Fault.CODE_TAKEN_PAID:
                stranger = _stranger(order)
                stranger.receive(stranger.amount)
                self._orders.add(stranger)
            case Fault.HTML:
                abort(Response(MAINTENANCE, content_type="text/html; charset=utf-8"))
            case Fault.HANG:
                await self._hang()

    async def _after(self, fault: Fault | None, order: Order) -> None:
        match fault:
            case Fault.SLOW_CREATE:
                await asyncio.sleep(self._pace.slow_seconds)
            case Fault.NO_ANSWER:
                await self._hang()
            case Fault.WEBHOOK_FIRST:
                await self._cashier.take(order, order.amount)

    async def _hang(self) -> None:
        """Whoever hangs up sooner ends it."""
        await asyncio.sleep(self._pace.hang_seconds)
        abort(504)


def _stranger(order: Order) -> Order:
    """Made yesterday, under the same code, and with nothing in its description to tell by."""
    return Order(
        order_code=order.order_code,
        amount=order.amount,
        description="",
        return_url="",
        cancel_url="",
        expires_at=None,
        account=order.account,
        created_at=order.created_at - timedelta(days=1),
        foreign=True,
    )
