"""A local PayOS: its API, its signatures, its webhooks and a page to pay on.

PayOS has no sandbox. The official SDK works against this one unchanged; what it remembers is in
memory and gone when the process ends.
"""

from quart import Quart, Response

from app.payos.simulator.api import Channel, MerchantApi
from app.payos.simulator.bank import Account, Orders
from app.payos.simulator.checkout import Checkout
from app.payos.simulator.delivery import Courier
from app.payos.simulator.remote import Remote

BODY_BYTES_MAX = 64 * 1024
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:"


def create_simulator(
    client_id: str,
    api_key: str,
    checksum_key: str,
    *,
    webhook_url: str | None = None,
    public_url: str | None = None,
) -> Quart:
    """A PayOS with one payment channel.

    `webhook_url`: where webhooks go until confirm-webhook names another place. `public_url`: where
    a browser finds the checkout page, unless it is the address that the API is called at.
    """
    simulator = Quart(__name__)
    simulator.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
    simulator.add_template_filter(_dong, "dong")
    channel = Channel(client_id, api_key, checksum_key, Account())
    orders, courier = Orders(), Courier(checksum_key, webhook_url)
    simulator.register_blueprint(MerchantApi(channel, orders, courier, public_url).blueprint())
    simulator.register_blueprint(Checkout(orders, courier).blueprint())
    simulator.register_blueprint(Remote(orders, courier).blueprint())
    simulator.after_serving(courier.close)
    simulator.after_request(_protect)
    return simulator


def _dong(amount: int) -> str:
    """50.000 đ"""
    return f"{amount:,}".replace(",", ".") + "\N{NO-BREAK SPACE}đ"


async def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
