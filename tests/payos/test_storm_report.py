"""What a storm finds in the books, order by order."""

from dataclasses import replace

import pytest

from app.model import Books
from app.payos.simulator import create_simulator
from app.payos.simulator.bank import Account, Order
from app.payos.simulator.storm.report import Report
from app.payos.simulator.storm.tally import Tally, Wallet
from tests.payos.wire import API_KEY, CHECKSUM_KEY, CLIENT_ID

OURS, FIRST, SECOND = 50_001, 30_001, 70_001
BEFORE = Books(7, 7, 0, 0, 0, 0, {"1": 7}, 0)


def order(code: int, paid: int, foreign: bool) -> Order:
    order = Order(code, paid, "", "", "", None, Account(), foreign=foreign)
    order.receive(paid)
    return order


def differences(received: dict[str, int]) -> list[str]:
    """Of one order of a payer and two of strangers, when the books have received so much."""
    simulator = create_simulator(CLIENT_ID, API_KEY, CHECKSUM_KEY)
    for code, paid, foreign in ((1, OURS, False), (2, FIRST, True), (3, SECOND, True)):
        simulator.orders.add(order(code, paid, foreign))
    total = sum(received.values())
    after = replace(
        BEFORE,
        received=BEFORE.received + total,
        in_suspense=total - OURS,
        received_for={**received, "1": received["1"] + BEFORE.received_for["1"]},
    )
    tally = Tally([], [Wallet("lan", OURS, 0, OURS)], OURS, FIRST + SECOND, 1)
    return Report(tally, simulator, BEFORE, after).differences()


@pytest.mark.parametrize("strangers", [{}, {"2": FIRST}, {"2": FIRST, "3": SECOND}])
def test_what_strangers_paid_is_known_or_not(strangers: dict[str, int]) -> None:
    assert differences({"1": OURS, **strangers}) == []


@pytest.mark.parametrize(
    ("received", "found"),
    [
        ({"1": OURS, "2": 2 * FIRST}, "order 2: 60,002 đ received, 30,001 đ paid"),
        ({"1": 2 * OURS}, "order 1: 100,002 đ received, 50,001 đ paid"),
        ({"1": OURS, "2": 1, "3": SECOND}, "order 2: 1 đ received, 30,001 đ paid"),
    ],
)
def test_money_twice_does_not_hide_among_what_strangers_paid(
    received: dict[str, int], found: str
) -> None:
    assert differences(received) == [found]
