"""A local PayOS: its API, its signatures, its webhooks and a page to pay on.

PayOS has no sandbox. The official SDK works against this one unchanged; what it remembers is in
memory and gone when the process ends. On demand it misbehaves: faults.py lists how.
"""

from quart import Quart, Response

from app.payos.simulator.api import Channel, MerchantApi
from app.payos.simulator.bank import Account, Orders
from app.payos.simulator.cashier import Cashier
from app.payos.simulator.checkout import Checkout
from app.payos.simulator.control import FaultControl
from app.payos.simulator.creation import Creation
from app.payos.simulator.delivery import Courier
from app.payos.simulator.faults import Pace
from app.payos.simulator.plan import Plan
from app.payos.simulator.remote import Remote

BODY_BYTES_MAX = 64 * 1024
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:"


class Simulator(Quart):
    """A PayOS with one payment channel, made by `create_simulator`."""

    def __init__(self, channel: Channel, webhook_url: str | None, pace: Pace) -> None:
        super().__init__(__name__)
        self.config["MAX_CONTENT_LENGTH"] = BODY_BYTES_MAX
        self.add_template_filter(_dong, "dong")
        self.plan, self.orders = Plan(), Orders()
        self.courier = Courier(channel.checksum_key, webhook_url, pace=pace)
        self.cashier = Cashier(self.courier, self.plan)
        creation = Creation(self.orders, self.cashier, self.plan, pace)
        for part in (
            MerchantApi(channel, self.orders, creation, self.courier, self.plan),
            Checkout(self.orders, self.cashier, self.courier),
            Remote(self.orders, self.cashier, self.courier),
            FaultControl(self.plan),
        ):
            self.register_blueprint(part.blueprint())
        self.after_serving(self.courier.close)
        self.after_request(_protect)


def create_simulator(
    client_id: str,
    api_key: str,
    checksum_key: str,
    *,
    webhook_url: str | None = None,
    pace: Pace | None = None,
) -> Simulator:
    """A PayOS that does not misbehave until its `plan` says so.

    `webhook_url`: where webhooks go until confirm-webhook names another place. A browser finds the
    checkout page at the address that the API is called at.
    """
    channel = Channel(client_id, api_key, checksum_key, Account())
    return Simulator(channel, webhook_url, pace or Pace())


def _dong(amount: int) -> str:
    """50.000 đ"""
    return f"{amount:,}".replace(",", ".") + "\N{NO-BREAK SPACE}đ"


async def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response
