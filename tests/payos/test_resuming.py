"""The reconciler makes a link that nobody came back for."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from app.errors import PayOSTimeout
from app.metrics.labels import CheckOutcome
from app.model import Status
from app.payos.breaker import BreakerOpen
from app.payos.calls import PayOSCaller
from app.payos.linking import Linker
from app.payos.simulator.bank import Account, Order
from tests.payments import query
from tests.payos.calling import CREATED, answering, create, envelope, gateway_to
from tests.payos.reconciling import PAGE, Desk, Serve, desk

SITE = PAGE.removesuffix("/wallet/topup")
CREATE = ("POST", "/v2/payment-requests")


@pytest.fixture
async def at_work(serve: Serve, database_url: str) -> AsyncIterator[Desk]:
    async with desk(serve, database_url, public_url=SITE) as at_work:
        yield at_work


async def test_a_topup_whose_process_died_before_it_called_payos_gets_its_link(
    at_work: Desk,
) -> None:
    topup = await at_work.abandon()
    findings = await at_work.check(topup)
    assert (findings.linked, findings.outcome) == (True, CheckOutcome.LINKED)
    order = at_work.payos.find(str(topup.order_code))
    assert (order.return_url, order.cancel_url) == (f"{PAGE}/{topup.tx_ref}",) * 2
    found = await at_work.state(topup)
    assert (found.payment_link_id, found.status) == (order.payment_link_id, Status.PENDING)
    assert found.qr_code
    assert (await at_work.check(topup)).outcome is CheckOutcome.UNCHANGED
    assert at_work.calls.count(CREATE) == 1
    assert await query(at_work.url, "SELECT count(*) FROM topup.link_claims") == [(0,)]


async def test_it_is_made_while_payers_are_told_to_come_back(at_work: Desk) -> None:
    """Nobody waits for it: it takes the background's places, and listens to its breaker."""
    topup = await at_work.abandon()
    async with (
        answering(None, envelope(CREATED | {"orderCode": topup.order_code})) as url,
        gateway_to(url, payos_breaker_no_answers=1) as gateway,
    ):
        with pytest.raises(PayOSTimeout):
            await gateway.find_link(topup.order_code, PayOSCaller.PAYER)
        with pytest.raises(BreakerOpen):
            await create(gateway)
        linker = Linker(gateway, at_work.append, at_work.process.openings, lambda _: PAGE)
        assert await linker.resume(topup.tx_ref)
    assert (await at_work.state(topup)).qr_code == CREATED["qrCode"]


@pytest.mark.parametrize("key", [None, "key"])
async def test_while_a_request_is_getting_the_link_nobody_else_does(
    at_work: Desk, key: str | None
) -> None:
    openings = at_work.process.openings
    opened = await openings.open(await at_work.process.user(), 50_000, key)
    assert (await at_work.check(opened.topup)).outcome is CheckOutcome.UNKNOWN
    assert CREATE not in at_work.calls
    await openings.release(opened.topup.tx_ref, opened.request_id)
    assert (await at_work.check(opened.topup)).linked


async def test_nobody_gets_a_link_whose_time_is_over(at_work: Desk) -> None:
    topup = await at_work.abandon()
    await at_work.let_expire(topup)
    assert (await at_work.check(topup)).outcome is CheckOutcome.CLOSED
    assert CREATE not in at_work.calls


async def test_where_payers_reach_us_is_unknown_no_link_is_made(
    serve: Serve, database_url: str
) -> None:
    async with desk(serve, database_url) as at_work:
        topup = await at_work.abandon()
        assert (await at_work.check(topup)).outcome is CheckOutcome.UNKNOWN
        assert CREATE not in at_work.calls


async def test_an_older_order_of_the_same_amount_is_not_taken_for_ours(at_work: Desk) -> None:
    topup = await at_work.abandon()
    stranger = Order(topup.order_code, 50_000, "", "", "", None, Account())
    stranger.created_at = topup.opened_at - timedelta(hours=1)
    at_work.payos.add(stranger)
    assert (await at_work.check(topup)).linked
    found = await at_work.state(topup)
    assert found.order_code != topup.order_code
    assert found.payment_link_id not in (None, stranger.payment_link_id)
    assert stranger.status == "PENDING"
    stranger.receive(50_000)
    await at_work.check(topup)
    assert await at_work.balance(topup) == 0


async def test_an_order_code_that_a_stranger_has_is_replaced(at_work: Desk) -> None:
    topup = await at_work.abandon()
    stranger = Order(topup.order_code, 70_000, "somebody else's", "", "", None, Account())
    stranger.receive(70_000)
    at_work.payos.add(stranger)
    findings = await at_work.check(topup)
    assert (findings.linked, findings.outcome) == (True, CheckOutcome.RECOVERED)
    found = await at_work.state(topup)
    order = at_work.payos.find(str(found.order_code))
    assert (order.amount, order.payment_link_id) == (50_000, found.payment_link_id)
    assert await at_work.balance(topup) == 0
    waiting = await query(at_work.url, "SELECT why, amount FROM audit.suspense")
    assert waiting == [("payment_link_id.foreign", 70_000)]
