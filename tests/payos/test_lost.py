"""Orders of top-ups that a restored database has forgotten, found by their codes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from app.model import Outcome
from app.payos.lost import LostOrders, LostOrderSearch
from app.payos.patience import Patience
from app.payos.response_hook import RateLimited
from app.payos.simulator.bank import Account, Order
from app.payos.simulator.link_request import Refusal
from tests.payments import query
from tests.payos.calling import gateway_to
from tests.payos.reconciling import Desk, Serve, desk
from tests.payos.wire import CLIENT_ID

NOBODY = "http://127.0.0.1:9"  # the discard port: a connection is refused
FIRST = 5_000
FORGOTTEN = "T0000000Z"


@pytest.fixture
async def at_work(serve: Serve, database_url: str) -> AsyncIterator[Desk]:
    async with desk(serve, database_url) as at_work:
        yield at_work


def order(desk: Desk, code: int, paid: int = 0) -> Order:
    """What PayOS has of a top-up that nobody here knows."""
    made = Order(code, paid or 10_000, FORGOTTEN, "", "", None, Account())
    if paid:
        made.receive(paid)
    desk.payos.add(made)
    return made


def patience() -> Patience:
    return Patience(lambda _sentence: None)


async def walk(desk: Desk, gap: int, *known: int, at_once: int = 3) -> LostOrders:
    search = LostOrderSearch(desk.gateway, desk.append, CLIENT_ID, set(known), patience())
    return await search.walk(FIRST, gap, at_once)


def limited_once(call: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """PayOS says 429 to the first of these calls."""
    problems = iter([RateLimited(retry_after_seconds=1)])

    async def limited(*arguments: object) -> Any:
        for problem in problems:
            raise problem
        return await call(*arguments)

    return limited


async def test_it_ends_when_payos_knows_none_of_so_many_in_a_row(at_work: Desk) -> None:
    for code in (FIRST + 4, FIRST + 9):
        order(at_work, code, 1_000)
    order(at_work, FIRST + 40, 1_000)
    found = await walk(at_work, 6)
    assert (found.orders, found.latest) == (2, FIRST + 9)
    assert found.asked < 20


async def test_what_was_paid_is_in_suspense_once_under_the_name_that_the_payer_has(
    at_work: Desk,
) -> None:
    paid = order(at_work, FIRST, 7_000)
    first, second = await walk(at_work, 3), await walk(at_work, 3)
    heard = await at_work.hear(paid, paid.transfers[0])
    assert [lost.outcome for lost in first.transfers] == [Outcome.SUSPENSE]
    assert [lost.outcome for lost in second.transfers] == [Outcome.DUPLICATE]
    assert heard.outcome is Outcome.DUPLICATE
    assert [lost.tx_refs for lost in first.transfers] == [[FORGOTTEN]]
    suspense = "SELECT amount, order_code, why FROM audit.suspense"
    assert await query(at_work.url, suspense) == [(7_000, FIRST, "order_code.unknown")]


async def test_nobody_can_pay_a_forgotten_order_any_more(at_work: Desk) -> None:
    waiting = order(at_work, FIRST)
    found = await walk(at_work, 3)
    assert (found.closed, waiting.status) == (1, "CANCELLED")


async def test_nobody_can_pay_the_rest_of_a_forgotten_order(at_work: Desk) -> None:
    waiting = order(at_work, FIRST)
    waiting.receive(2_000)
    found = await walk(at_work, 3)
    assert (found.closed, waiting.status) == (1, "CANCELLED")
    assert [lost.amount for lost in found.transfers] == [2_000]


@pytest.mark.parametrize("paid", [0, 2_000])
async def test_a_forgotten_order_that_payos_does_not_close_is_named(
    at_work: Desk, paid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_order: Order, _reason: str | None) -> None:
        raise Refusal("20", "no")

    waiting = order(at_work, FIRST)
    if paid:
        waiting.receive(paid)
    monkeypatch.setattr(Order, "cancel", refuse)
    found = await walk(at_work, 3)
    assert (list(found.failed), found.closed, waiting.cancelled_at) == ([FIRST], 0, None)
    assert sum(lost.amount for lost in found.transfers) == paid


async def test_an_order_that_is_known_is_left_alone(at_work: Desk) -> None:
    topup, known = await at_work.open()
    known_codes = {topup.order_code}
    search = LostOrderSearch(at_work.gateway, at_work.append, CLIENT_ID, known_codes, patience())
    found = await search.walk(topup.order_code, 3, 3)
    assert (found.orders, found.closed, known.status) == (0, 0, "PENDING")


async def test_what_payos_takes_no_call_for_is_asked_about_after_the_pause(
    at_work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway = at_work.gateway
    for name in ("find_link", "cancel_link"):
        monkeypatch.setattr(gateway, name, limited_once(getattr(gateway, name)))
    waiting = order(at_work, FIRST)
    found = await walk(at_work, 3)
    assert (found.failed, found.closed, waiting.status) == ({}, 1, "CANCELLED")


async def test_whom_payos_does_not_answer_about_is_named(at_work: Desk) -> None:
    async with gateway_to(NOBODY) as silent:
        search = LostOrderSearch(silent, at_work.append, CLIENT_ID, set(), patience())
        found = await search.walk(FIRST, 2, 2)
    assert sorted(found.failed) == [FIRST, FIRST + 1]
