"""One transfer that PayOS tells in two ways is on record once, whichever way it takes."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

import app.payos.simulator.api
from app.metrics.labels import CheckOutcome
from app.model import Outcome
from app.payos.lost import LostOrderSearch
from app.payos.patience import Patience
from app.payos.simulator.bank import Account, Order
from app.payos.simulator.wire import JsonObject, link, webhook_data
from app.payos.webhook import read_webhook
from tests.payments import query
from tests.payos.reconciling import Desk, Serve, desk, under_another_reference
from tests.payos.wire import CHECKSUM_KEY, CLIENT_ID, signed_body

FORGOTTEN = "T0000000Z"
ASSIGN = """
    SELECT (topup.assign_suspense(event_id, %s, 'bank statement', 'Lan')).outcome
    FROM audit.suspense
"""
ACCEPT = ASSIGN.replace("audit.suspense", "audit.conflicts")
OPEN = """
    SELECT amount::int, recorded_amount::int, why FROM audit.conflicts
    WHERE state = 'open' ORDER BY recorded_at
"""


@pytest.fixture
async def at_work(serve: Serve, database_url: str) -> AsyncIterator[Desk]:
    async with desk(serve, database_url) as at_work:
        yield at_work


async def received(desk: Desk) -> int:
    [(sum_vnd,)] = await query(desk.url, "SELECT received::int FROM audit.money_equation")
    return int(sum_vnd)


@pytest.mark.parametrize("nameless_first", [True, False])
async def test_a_webhook_without_a_reference_and_the_full_one(
    at_work: Desk, nameless_first: bool
) -> None:
    topup, order = await at_work.open()
    full = order.receive(50_000)
    nameless = replace(full, reference="")
    first, second = (nameless, full) if nameless_first else (full, nameless)
    assert (await at_work.hear(order, first)).outcome is not Outcome.CONFLICT
    assert (await at_work.hear(order, second)).outcome is Outcome.CONFLICT
    findings = await at_work.check(topup)
    assert (findings.recovered, findings.suspended) == ([], [])
    assert await received(at_work) == 50_000


@pytest.mark.parametrize("asked_between", [True, False])
async def test_a_webhook_without_a_reference_that_a_person_assigned_and_the_full_one(
    at_work: Desk, asked_between: bool
) -> None:
    topup, order = await at_work.open()
    transfer = order.receive(50_000)
    await at_work.hear(order, replace(transfer, reference=""))
    assert await query(at_work.url, ASSIGN, topup.tx_ref) == [(Outcome.APPLIED,)]
    if asked_between:
        assert (await at_work.check(topup)).held == 1
    heard = await at_work.hear(order, transfer)
    assert heard.outcome is (Outcome.DUPLICATE if asked_between else Outcome.CONFLICT)
    assert await at_work.balance(topup) == await received(at_work) == 50_000


@pytest.mark.parametrize("amount", [70_000, 50_000], ids=["a stranger's", "ours, text garbled"])
@pytest.mark.parametrize("webhook_first", [True, False])
async def test_another_reference_of_what_no_topup_takes(
    at_work: Desk, webhook_first: bool, amount: int
) -> None:
    topup, order = await at_work.open(linked=False)
    order.amount, order.description = amount, FORGOTTEN
    transfer = order.receive(amount)
    under_another_reference(order)
    if webhook_first:
        assert (await at_work.hear(order, transfer)).outcome is Outcome.SUSPENSE
        assert (await at_work.check(topup)).held == 1
    else:
        assert (await at_work.check(topup)).suspended == [amount]
        assert (await at_work.hear(order, transfer)).outcome is Outcome.CONFLICT
    assert await received(at_work) == amount


async def test_a_lost_order_and_the_webhook_that_is_late(at_work: Desk) -> None:
    order = Order(5_000, 50_000, FORGOTTEN, "", "", None, Account())
    at_work.payos.add(order)
    transfer = order.receive(50_000)
    under_another_reference(order)
    patience = Patience(lambda _sentence: None)
    search = LostOrderSearch(at_work.gateway, at_work.append, CLIENT_ID, set(), patience)
    found = await search.walk(order.order_code, 3, 2)
    assert [lost.outcome for lost in found.transfers] == [Outcome.SUSPENSE]
    assert (await at_work.hear(order, transfer)).outcome is Outcome.CONFLICT
    assert await received(at_work) == 50_000


async def test_a_stranger_whose_text_names_nobody_is_not_credited_to_the_payer_of_its_order_code(
    at_work: Desk,
) -> None:
    topup = await at_work.abandon()
    stranger = Order(topup.order_code, 777_000, "Thanh toan don 52", "", "", None, Account())
    at_work.payos.add(stranger)
    heard = await at_work.hear(stranger, stranger.receive(777_000))
    assert heard.outcome is Outcome.SUSPENSE
    assert await at_work.balance(topup) == 0


async def test_a_part_of_the_amount_is_credited_before_the_link_is_known_if_its_text_is_ours(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open(linked=False)
    await at_work.hear(order, order.receive(20_000))
    assert await at_work.balance(topup) == 20_000


async def test_a_held_transfer_told_again_with_another_amount_is_no_money(at_work: Desk) -> None:
    topup, order = await at_work.open()
    transfer = order.receive(50_000)
    under_another_reference(order)
    await at_work.check(topup)
    assert (await at_work.hear(order, transfer)).outcome is Outcome.CONFLICT
    otherwise = replace(transfer, amount=51_000)
    assert (await at_work.hear(order, otherwise)).outcome is Outcome.CONFLICT
    assert (await at_work.hear(order, otherwise)).outcome is Outcome.DUPLICATE
    assert await received(at_work) == 50_000
    assert await query(at_work.url, OPEN) == [
        (50_000, 50_000, "reference.differs"),
        (51_000, 50_000, "amount.differs"),
    ]


async def test_what_a_person_accepted_without_a_reference_is_not_credited_when_it_is_listed(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open(100_000)
    await at_work.hear(order, order.receive(50_000))
    second = order.receive(50_000)
    heard = await at_work.hear(order, replace(second, reference=""))
    assert heard.outcome is Outcome.CONFLICT
    assert await query(at_work.url, ACCEPT, topup.tx_ref) == [(Outcome.APPLIED,)]
    assert (await at_work.check(topup)).held == 1
    assert await at_work.balance(topup) == await received(at_work) == 100_000


async def test_a_transfer_that_answers_tell_under_changing_references_is_held(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open()
    order.receive(50_000)
    assert (await at_work.check(topup)).recovered == [50_000]
    under_another_reference(order)
    assert (await at_work.check(topup)).held == 1
    assert (await at_work.check(topup)).outcome is CheckOutcome.UNCHANGED
    assert await received(at_work) == 50_000


@pytest.mark.parametrize("amount", [50_000, 51_000])
async def test_a_webhook_that_comes_again_through_another_channel_is_held(
    at_work: Desk, amount: int
) -> None:
    topup, order = await at_work.open()
    transfer = order.receive(50_000)
    await at_work.hear(order, transfer)
    body = signed_body(webhook_data(order, replace(transfer, amount=amount)))
    late = read_webhook(body, [CHECKSUM_KEY], "client-2").fact
    assert (await at_work.append(late)).outcome is Outcome.CONFLICT
    assert await at_work.balance(topup) == await received(at_work) == 50_000
    assert await query(at_work.url, OPEN) == [(amount, 50_000, "channel.differs")]


@pytest.mark.parametrize("heard", [True, False], ids=["webhook", "asked"])
async def test_two_references_are_one_transfer_as_long_as_payos_says_it_was_paid_once(
    at_work: Desk, heard: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paid_once(order: Order) -> JsonObject:
        return link(order) | {"amountPaid": 50_000}

    topup, order = await at_work.open()
    first = order.receive(50_000)
    order.transfers.append(replace(first, reference="FT-2", listed_as="FT-2"))
    if heard:
        await at_work.hear(order, first)
    with monkeypatch.context() as patch:
        patch.setattr(app.payos.simulator.api, "link", paid_once)
        findings = await at_work.check(topup)
    assert (findings.held, findings.outcome) == (1, CheckOutcome.HELD)
    assert await at_work.balance(topup) == await received(at_work) == 50_000
    assert (await at_work.check(topup)).recovered == [50_000], "once it says that both were"


@pytest.mark.parametrize("amounts", [(50_000, 50_000), (20_000, 30_000)])
async def test_two_transfers_under_one_reference_are_told_by_what_was_paid(
    at_work: Desk, amounts: tuple[int, int]
) -> None:
    topup, order = await at_work.open()
    first, second = (order.receive(amount) for amount in amounts)
    reference = first.reference
    order.transfers[1] = replace(second, reference=reference, listed_as=reference)
    findings = await at_work.check(topup)
    assert (findings.unreadable, findings.outcome) == (1, CheckOutcome.UNREADABLE)
    assert await at_work.balance(topup) == await received(at_work) == amounts[0]
