"""Takes a payment: what the payer does wrong, what the bank writes down, what the shop is told."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from app.payos.simulator.bank import Order, Transfer
from app.payos.simulator.delivery import Courier
from app.payos.simulator.faults import OF_A_PAYMENT, Fault, Place
from app.payos.simulator.plan import Plan
from app.payos.simulator.postbox import Delivery

SURPLUS_VND = 10_000


class Cashier:
    """Lets each payment draw its faults, and lets them happen."""

    def __init__(self, courier: Courier, plan: Plan) -> None:
        self._courier = courier
        self._plan = plan

    async def take(
        self, order: Order, amount: int, chosen: Fault | None = None
    ) -> tuple[Transfer, Delivery]:
        """Money for `order`, meeting the fault `chosen` where that bites."""
        met = {place: self._plan.draw(place, chosen) for place in OF_A_PAYMENT}
        carried = PAYMENTS[met[Place.PAYMENT]](order, amount)
        transfer = order.receive(
            carried,
            two_references=met[Place.QUESTION] is Fault.OTHER_REFERENCE,
            nameless=met[Place.DELIVERY] is Fault.MISSING_REFERENCE,
        )
        delivery = await self._courier.tell(
            order, transfer, met[Place.DELIVERY], retry=met[Place.ANSWER] is Fault.RETRY
        )
        return transfer, delivery


def _full(_order: Order, amount: int) -> int:
    return amount


def _partial(_order: Order, amount: int) -> int:
    return max(1, amount // 2)


def _over(_order: Order, amount: int) -> int:
    return amount + SURPLUS_VND


def _late(order: Order, amount: int) -> int:
    order.expire()
    return amount


def _after_cancel(order: Order, amount: int) -> int:
    order.cancel("Người mua huỷ")
    return amount


PAYMENTS: Mapping[Fault | None, Callable[[Order, int], int]] = MappingProxyType(
    {
        None: _full,
        Fault.PARTIAL: _partial,
        Fault.OVER: _over,
        Fault.LATE: _late,
        Fault.AFTER_CANCEL: _after_cancel,
    }
)
"""What becomes of the order before the money comes, and how much comes."""
