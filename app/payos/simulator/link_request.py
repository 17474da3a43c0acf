"""What a shop may ask for when it wants a payment link, and how PayOS says no."""

from datetime import datetime
from urllib.parse import urlsplit

from app.model import VIETNAM
from app.payos.fields import required_text, whole
from app.payos.signature import sign_create_link
from app.payos.simulator.bank import Account, Order
from app.payos.simulator.wire import JsonObject

DESCRIPTION_CHARACTERS_MAX = 25
INT32_MAX = 2**31 - 1


class Refusal(Exception):
    """A business error: HTTP 200 with a code of its own, as PayOS answers."""

    def __init__(self, code: str, description: str, data: str | None = None) -> None:
        super().__init__(description)
        self.envelope: JsonObject = {"code": code, "desc": description, "data": data}


def new_order(body: JsonObject, checksum_key: str, account: Account) -> Order:
    """The order that a request asks for. Raises Refusal or InvalidRequest."""
    order = Order(
        order_code=whole(body, "orderCode"),
        amount=whole(body, "amount"),
        description=required_text(body, "description"),
        return_url=_web_address(body, "returnUrl"),
        cancel_url=_web_address(body, "cancelUrl"),
        expires_at=_expiry(body),
        account=account,
    )
    if len(order.description) > DESCRIPTION_CHARACTERS_MAX:
        raise Refusal("20", f"Mô tả tối đa {DESCRIPTION_CHARACTERS_MAX} kí tự")
    if body.get("signature") != sign_create_link(body, checksum_key):
        raise Refusal("201", "Mã kiểm tra (signature) không hợp lệ")
    return order


def _web_address(body: JsonObject, name: str) -> str:
    address = required_text(body, name)
    if urlsplit(address).scheme not in ("http", "https"):
        raise Refusal("01", f"{name} không hợp lệ")
    return address


def _expiry(body: JsonObject) -> datetime | None:
    """expiredAt, in Unix seconds."""
    if body.get("expiredAt") is None:
        return None
    expires_at = datetime.fromtimestamp(whole(body, "expiredAt", largest=INT32_MAX), VIETNAM)
    if expires_at <= datetime.now(VIETNAM):
        raise Refusal("20", "expiredAt đã qua")
    return expires_at
