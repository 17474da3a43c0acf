"""The page where a payer would scan the QR code; here the buttons are the bank."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import segno
from markupsafe import Markup
from quart import Blueprint, ResponseReturnValue, redirect, render_template, request, url_for

from app.errors import InvalidRequest
from app.payos.simulator.bank import Order, Orders, UnknownOrder
from app.payos.simulator.cashier import SURPLUS_VND, Cashier
from app.payos.simulator.delivery import Courier
from app.payos.simulator.faults import FAULTS, OF_A_PAYMENT, find_fault

AMOUNT_MAX = 10**12


class Checkout:
    """/web/<paymentLinkId> and the actions of its buttons. An unknown link is a 404 page."""

    def __init__(self, orders: Orders, cashier: Cashier, courier: Courier) -> None:
        self._orders = orders
        self._cashier = cashier
        self._courier = courier

    def blueprint(self) -> Blueprint:
        blueprint = Blueprint("checkout", __name__, url_prefix="/web/<link_id>")
        blueprint.get("")(self.show)
        blueprint.post("/pay")(self.pay)
        blueprint.post("/resend")(self.resend)
        blueprint.post("/cancel")(self.cancel)
        blueprint.register_error_handler(UnknownOrder, _unknown)
        blueprint.register_error_handler(InvalidRequest, _refuse)
        return blueprint

    async def show(self, link_id: str) -> ResponseReturnValue:
        return await self._page(self._orders.find(link_id))

    async def pay(self, link_id: str) -> ResponseReturnValue:
        order = self._orders.find(link_id)
        form = await request.form
        amount, name = _amount(form.get("amount", "")), form.get("fault")
        if amount is None:
            return await self._page(order, complaint=True), 400
        await self._cashier.take(order, amount, find_fault(name, OF_A_PAYMENT) if name else None)
        return _back(order)

    async def resend(self, link_id: str) -> ResponseReturnValue:
        order = self._orders.find(link_id)
        if order.transfers:
            await self._courier.tell(order, order.transfers[-1])
        return _back(order)

    async def cancel(self, link_id: str) -> ResponseReturnValue:
        order = self._orders.find(link_id)
        order.cancel("Người mua huỷ")
        return _back(order)

    async def _page(self, order: Order, complaint: bool = False) -> str:
        return await render_template(
            "checkout.html",
            order=order,
            closed=order.status in ("PAID", "CANCELLED", "EXPIRED"),
            qr=_drawing(order.qr_code),
            deliveries=self._courier.deliveries,
            part=max(1, order.amount_remaining // 2),
            too_much=order.amount_remaining + SURPLUS_VND,
            faults={name: fault for name, fault in FAULTS.items() if fault.place in OF_A_PAYMENT},
            shop_address=shop_address(order),
            complaint=complaint,
        )


def shop_address(order: Order) -> str:
    """Where PayOS sends the payer back to. The query is not signed: it proves nothing."""
    cancelled = order.status == "CANCELLED"
    parts = urlsplit(order.cancel_url if cancelled else order.return_url)
    result = {
        "code": "00",
        "id": order.payment_link_id,
        "cancel": str(cancelled).lower(),
        "status": order.status,
        "orderCode": str(order.order_code),
    }
    query = urlencode(parse_qsl(parts.query, keep_blank_values=True) + list(result.items()))
    return urlunsplit(parts._replace(query=query))


async def _unknown(_error: Exception) -> ResponseReturnValue:
    return await render_template("unknown.html"), 404


async def _refuse(problem: Exception) -> ResponseReturnValue:
    """Of a form that is not ours."""
    return str(problem), 400, {"Content-Type": "text/plain; charset=utf-8"}


def _back(order: Order) -> ResponseReturnValue:
    return redirect(url_for("checkout.show", link_id=order.payment_link_id), 303)


def _drawing(text: str) -> Markup:
    svg = segno.make(text, error="m", micro=False).svg_inline(border=0, omitsize=True)
    return Markup(svg)  # noqa: S704 - segno draws the modules, it does not print the text


def _amount(text: str) -> int | None:
    """A whole number of đồng as people write it: 20000, 20.000 or 20.000 đ."""
    digits = text.removesuffix("đ").strip().replace(".", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(AMOUNT_MAX))):
        return None
    return int(digits) or None
