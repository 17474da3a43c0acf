"""Asking PayOS about a top-up: what a webhook should have told is recorded, and once."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app.payos.linking
import app.payos.simulator.api
from app.commands.reconcile import Tally
from app.errors import PayOSRefused, PayOSTimeout
from app.metrics.labels import CheckOutcome
from app.model import VIETNAM, Outcome, Status, Topup
from app.payos.answers import read_state
from app.payos.reconcile import Reconciler
from app.payos.simulator.bank import Account, Order, Transfer
from app.payos.simulator.link_request import Refusal
from app.payos.simulator.wire import JsonObject, link, webhook_data
from app.payos.webhook import read_webhook
from app.reconciliation import Findings
from tests.payments import linked, query
from tests.payos.calling import answering, envelope, gateway_to, http
from tests.payos.reconciling import Desk, Serve, desk, under_another_reference
from tests.payos.wire import CHECKSUM_KEY, CLIENT_ID, signed_body

NOBODY = "http://127.0.0.1:9"  # the discard port: a connection is refused

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@pytest.fixture
async def at_work(serve: Serve, database_url: str) -> AsyncIterator[Desk]:
    async with desk(serve, database_url) as at_work:
        yield at_work


async def events_of(desk: Desk, tx_ref: str) -> list[str]:
    sql = "SELECT type FROM topup.events WHERE tx_ref = %s ORDER BY seq"
    return [type for (type,) in await query(desk.url, sql, tx_ref)]


@given(
    reference=texts.filter(lambda text: text.strip() and text not in ("null", "undefined")),
    amount=st.integers(1, 10**9),
    at=st.datetimes(timezones=st.just(VIETNAM)).filter(lambda at: 2000 <= at.year < 2200),
    description=texts,
    order_code=st.integers(1, 2**53 - 1),
)
def test_a_transfer_is_the_same_fact_whether_told_or_asked_for(
    reference: str, amount: int, at: Any, description: str, order_code: int
) -> None:
    order = Order(order_code, amount, description, "", "", None, Account())
    order.transfers.append(Transfer(reference, amount, at.replace(microsecond=0), reference))
    body = signed_body(webhook_data(order, order.transfers[0]))
    told = read_webhook(body, [CHECKSUM_KEY], CLIENT_ID).fact
    state = read_state(link(order))
    asked = state.fact(state.transfers[0], CLIENT_ID)
    assert (asked.event_id, asked.type, asked.occurred_at) == (
        told.event_id,
        told.type,
        told.occurred_at,
    )
    del told.data["body_sha256"]
    assert asked.data == told.data | {"source": "payos.get", "listed": [reference]}


async def test_a_transfer_whose_webhook_was_lost_is_credited(at_work: Desk) -> None:
    topup, order = await at_work.open()
    order.receive(20_000)
    order.receive(30_000)
    findings = await at_work.check(topup)
    assert (findings.recovered, findings.outcome) == ([20_000, 30_000], CheckOutcome.RECOVERED)
    assert (await at_work.state(topup)).status is Status.CONFIRMED
    assert await at_work.balance(topup) == 50_000


@pytest.mark.parametrize("told", [True, False], ids=["webhook", "asked"])
@pytest.mark.parametrize("odd", ["\0", "\ud83d", 901234567890, None], ids=repr)
async def test_an_odd_value_that_carries_no_money_holds_up_none(
    at_work: Desk, odd: Any, told: bool
) -> None:
    topup, order = await at_work.open()
    order.account = replace(order.account, number=odd)
    order.description += f" {odd}"
    transfer = order.receive(50_000)
    if told:
        await at_work.hear(order, transfer)
    findings = await at_work.check(topup)
    assert findings.recovered == ([] if told else [50_000])
    assert (await at_work.state(topup)).status is Status.CONFIRMED


async def test_the_webhook_that_comes_after_all_is_a_duplicate(at_work: Desk) -> None:
    topup, order = await at_work.open()
    transfer = order.receive(50_000)
    await at_work.check(topup)
    assert (await at_work.hear(order, transfer)).outcome is Outcome.DUPLICATE
    assert (await at_work.check(topup)).outcome is CheckOutcome.UNCHANGED
    assert await at_work.balance(topup) == 50_000


async def test_webhook_and_question_at_the_same_moment_credit_once(at_work: Desk) -> None:
    for _ in range(5):
        topup, order = await at_work.open()
        transfer = order.receive(50_000)
        await asyncio.gather(
            at_work.hear(order, transfer),
            at_work.check(topup),
            at_work.hear(order, transfer),
            at_work.check(topup),
        )
        assert await at_work.balance(topup) == 50_000


async def test_a_link_whose_answer_was_lost_is_found(at_work: Desk) -> None:
    topup, order = await at_work.open(linked=False)
    findings = await at_work.check(topup)
    assert (findings.linked, findings.outcome) == (True, CheckOutcome.LINKED)
    found = await at_work.state(topup)
    assert found.payment_link_id == order.payment_link_id
    assert found.checkout_url is not None
    assert found.checkout_url.endswith(f"/web/{order.payment_link_id}")
    assert not (await at_work.check(topup)).linked


@pytest.mark.parametrize(
    ("close", "status"),
    [
        (lambda order: order.cancel("Đổi ý"), Status.CANCELLED),
        (lambda order: setattr(order, "expires_at", order.created_at), Status.EXPIRED),
    ],
    ids=["cancelled", "expired"],
)
async def test_what_is_closed_at_payos_without_money_is_closed_here(
    at_work: Desk, close: Any, status: Status
) -> None:
    topup, order = await at_work.open()
    close(order)
    assert (await at_work.check(topup)).outcome is CheckOutcome.CLOSED
    assert (await at_work.state(topup)).status is status
    assert (await at_work.check(topup)).outcome is CheckOutcome.UNCHANGED


async def test_money_that_came_before_the_close_counts_and_the_close_does_not(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open()
    order.receive(20_000)
    order.cancel(None)
    await at_work.check(topup)
    found = await at_work.state(topup)
    assert (found.status, found.late) == (Status.UNDERPAID, False)


async def test_money_after_the_close_is_credited_and_flagged(at_work: Desk) -> None:
    topup, order = await at_work.open()
    order.cancel(None)
    await at_work.check(topup)
    order.receive(50_000)
    assert (await at_work.check(topup)).recovered == [50_000]
    found = await at_work.state(topup)
    assert (found.status, found.late) == (Status.CONFIRMED, True)


@pytest.mark.parametrize("hours_ahead", [24, -24])
async def test_whether_it_is_too_late_for_a_link_is_said_by_the_clock_of_the_database(
    at_work: Desk, hours_ahead: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Wrong":
            return super().now(tz) + timedelta(hours=hours_ahead)

    monkeypatch.setattr(app.payos.linking, "datetime", Wrong)
    in_time, too_late = await at_work.process.topup(), await at_work.process.topup()
    await at_work.let_expire(too_late)
    for topup in (in_time, too_late):
        await at_work.link(await at_work.state(topup))
    assert (await at_work.state(in_time)).checkout_url
    assert at_work.calls == [("POST", "/v2/payment-requests")]


async def test_after_the_time_to_pay_a_link_that_is_open_is_cancelled_then_expired_here(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open()
    await at_work.let_expire(topup)
    await at_work.check(topup)
    assert order.status == "CANCELLED"
    assert (await at_work.state(topup)).status is Status.EXPIRED
    assert await events_of(at_work, topup.tx_ref) == [
        "topup.opened",
        "topup.linked",
        "topup.expired",
    ]


async def test_before_the_time_is_over_nothing_is_closed(at_work: Desk) -> None:
    topup, order = await at_work.open()
    assert (await at_work.check(topup)).outcome is CheckOutcome.UNCHANGED
    assert (order.status, (await at_work.state(topup)).status) == ("PENDING", Status.PENDING)


async def test_what_was_closed_here_while_payos_knew_nothing_is_cancelled_there(
    at_work: Desk,
) -> None:
    """The payer called it off while the call for a link was under way."""
    topup = await at_work.process.topup()
    assert (await at_work.cancel(topup)).closed
    await at_work.gateway.create_link(
        topup.order_code,
        50_000,
        topup.tx_ref,
        "https://a.b",
        "https://a.b",
        topup.opened_at,
        topup.expires_at,
    )
    await at_work.check(topup)
    assert at_work.payos.find(str(topup.order_code)).status == "CANCELLED"
    assert (await at_work.state(topup)).status is Status.CANCELLED


async def test_an_order_that_payos_does_not_know_expires_with_its_time(at_work: Desk) -> None:
    topup = await at_work.process.topup()
    assert (await at_work.check(topup)).outcome is CheckOutcome.UNKNOWN
    assert (await at_work.state(topup)).status is Status.PENDING
    await at_work.let_expire(topup)
    assert (await at_work.check(topup)).closed
    assert (await at_work.state(topup)).status is Status.EXPIRED


async def test_the_order_of_another_installation_is_neither_linked_nor_closed(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open(linked=False)
    order.amount = 70_000
    order.cancel(None)
    findings = await at_work.check(topup)
    assert (findings.linked, findings.closed) == (False, False)
    await at_work.append(linked(topup.tx_ref))
    order.cancelled_at = None
    await at_work.let_expire(topup)
    await at_work.check(topup)
    assert order.status == "PENDING"
    assert (await at_work.state(topup)).status is Status.EXPIRED


async def test_the_money_of_another_installation_waits_for_a_person(at_work: Desk) -> None:
    topup, order = await at_work.open(linked=False)
    order.amount = 70_000
    order.receive(70_000)
    findings = await at_work.check(topup)
    tally = Tally()
    tally.add(findings)
    credited, suspended = tally.lines()[1:3]
    assert credited.startswith("credited          0 transfers")
    assert suspended.startswith("in suspense       1 transfers of 70.000")
    assert findings.outcome is CheckOutcome.RECOVERED
    found = await at_work.state(topup)
    assert (found.amount_paid, found.payment_link_id) == (0, None)
    assert await query(at_work.url, "SELECT amount, why FROM audit.suspense") == [
        (70_000, "payment_link_id.foreign")
    ]
    await at_work.let_expire(topup)
    await at_work.check(topup)
    assert (await at_work.state(topup)).status is Status.EXPIRED


async def test_the_order_of_another_installation_is_not_called_off(at_work: Desk) -> None:
    topup, order = await at_work.open(linked=False)
    order.amount = 70_000
    assert (await at_work.cancel(topup)).closed
    assert order.status == "PENDING"
    assert (await at_work.state(topup)).status is Status.CANCELLED


@pytest.mark.parametrize("answer", ["refusal", "state"])
async def test_what_payos_does_not_close_stays_open_here(
    at_work: Desk, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Money is on its way."""

    def refuse(_order: Order, _reason: str | None) -> None:
        raise Refusal("20", "Đơn hàng đang được xử lý")

    topup, order = await at_work.open()
    monkeypatch.setattr(Order, "status", "PROCESSING")
    if answer == "refusal":
        monkeypatch.setattr(Order, "cancel", refuse)
    with pytest.raises(PayOSRefused):
        await at_work.cancel(topup)
    assert (await at_work.state(topup)).status is Status.PENDING
    await at_work.hear(order, order.receive(50_000))
    found = await at_work.state(topup)
    assert (found.status, found.late) == (Status.CONFIRMED, False)


@pytest.mark.parametrize("paid", [0, 50_000])
async def test_a_topup_ends_with_its_time_though_payos_refuses_to_close_its_order(
    at_work: Desk, paid: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup, _ = await at_work.open()

    def refuse(order: Order, _reason: str | None) -> None:
        if paid:  # between the question and the cancelling
            order.receive(paid)
        raise Refusal("20", "no")

    monkeypatch.setattr(Order, "cancel", refuse)
    await at_work.let_expire(topup)
    findings = await at_work.check(topup)
    expected = ([paid], False) if paid else ([], True)
    assert (findings.recovered, findings.closed) == expected
    found = await at_work.state(topup)
    assert found.status is (Status.CONFIRMED if paid else Status.EXPIRED)


@pytest.mark.parametrize("fails", [True, False])
async def test_money_that_was_read_counts_though_closing_the_order_fails(
    at_work: Desk, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(*_: Any) -> None:
        raise PayOSTimeout

    topup, order = await at_work.open()
    order.receive(20_000)
    order.transfers.append(Transfer("", 10_000, order.created_at, ""))
    monkeypatch.setattr(Order, "status", "PENDING")
    await at_work.let_expire(topup)
    if fails:
        monkeypatch.setattr(at_work.gateway, "cancel_link", silence)
        with pytest.raises(PayOSTimeout):
            await at_work.check(topup)
    else:
        findings = await at_work.check(topup)
        assert (findings.recovered, findings.unreadable) == ([20_000], 1)
    assert await at_work.balance(topup) == 20_000


@pytest.mark.parametrize("status", ["PAID", "UNDERPAID"])
async def test_what_payos_calls_paid_without_a_transfer_is_not_closed_but_told(
    at_work: Desk, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup, _ = await at_work.open()
    monkeypatch.setattr(Order, "status", status)
    findings = await at_work.cancel(topup)
    assert (findings.closed, findings.outcome) == (False, CheckOutcome.UNREADABLE)
    await at_work.let_expire(topup)
    assert not (await at_work.check(topup)).closed
    assert (await at_work.state(topup)).status is Status.PENDING


async def test_what_is_paid_in_part_is_not_called_off_and_the_rest_may_come(at_work: Desk) -> None:
    topup, order = await at_work.open()
    order.receive(20_000)
    findings = await at_work.cancel(topup)
    assert (findings.recovered, findings.closed) == ([20_000], False)
    assert order.status == "UNDERPAID"
    order.receive(30_000)
    assert (await at_work.check(topup)).recovered == [30_000]
    found = await at_work.state(topup)
    assert (found.status, found.late) == (Status.CONFIRMED, False)


async def test_a_webhook_of_another_installation_waits_for_a_person(at_work: Desk) -> None:
    topup, order = await at_work.open(linked=False)
    order.description = "T0000000Z"
    heard = await at_work.hear(order, order.receive(50_000))
    assert heard.outcome is Outcome.SUSPENSE
    assert await at_work.balance(topup) == 0


@pytest.mark.parametrize("webhook_first", [True, False])
async def test_money_told_without_a_reference_and_listed_with_one_is_there_once(
    at_work: Desk, webhook_first: bool
) -> None:
    topup, order = await at_work.open()
    transfer = order.receive(50_000)
    if webhook_first:
        heard = await at_work.hear(order, replace(transfer, reference=""))
        assert heard.outcome is Outcome.SUSPENSE
        assert (await at_work.check(topup)).held == 1
    else:
        assert (await at_work.check(topup)).recovered == [50_000]
        heard = await at_work.hear(order, replace(transfer, reference=""))
        assert heard.outcome is Outcome.CONFLICT
    [(received,)] = await query(at_work.url, "SELECT received::int FROM audit.money_equation")
    assert received == 50_000


@pytest.mark.parametrize("reference", ["", " ", "null"])
async def test_a_transfer_without_reference_hides_no_other_and_keeps_the_topup_open(
    at_work: Desk, reference: str
) -> None:
    topup, order = await at_work.open()
    order.transfers.append(Transfer(reference, 10_000, order.created_at, reference))
    order.receive(20_000)
    findings = await at_work.check(topup)
    assert (findings.recovered, findings.unreadable) == ([20_000], 1)
    assert findings.outcome is CheckOutcome.UNREADABLE

    other, alone = await at_work.open()
    alone.transfers.append(Transfer(reference, 10_000, order.created_at, reference))
    alone.cancel(None)
    await at_work.check(other)
    assert (await at_work.state(other)).status is Status.PENDING


@pytest.mark.parametrize("listed", [[], {}, None, "one of two"], ids=repr)
async def test_money_that_was_paid_and_is_not_listed_is_told_and_keeps_the_topup_open(
    at_work: Desk, listed: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(order: Order) -> JsonObject:
        answer = link(order)
        transfers = answer["transactions"]
        assert isinstance(transfers, list)
        return answer | {"transactions": transfers[:1] if listed == "one of two" else listed}

    monkeypatch.setattr(app.payos.simulator.api, "link", short)
    topup, order = await at_work.open()
    order.receive(20_000)
    order.receive(30_000)
    await at_work.let_expire(topup, order)
    findings = await at_work.check(topup)
    assert (findings.unreadable, findings.outcome) == (1, CheckOutcome.UNREADABLE)
    expected = (20_000, Status.UNDERPAID) if findings.recovered else (0, Status.PENDING)
    found = await at_work.state(topup)
    assert (found.amount_paid, found.status) == expected
    monkeypatch.undo()
    await at_work.check(topup)
    assert await at_work.balance(topup) == 50_000


def test_an_answer_with_one_bad_transfer_tells_of_the_others() -> None:
    order = Order(5001, 50_000, "", "", "", None, Account())
    order.receive(20_000)
    answer = link(order)
    good = answer["transactions"]
    assert isinstance(good, list)
    bad: list[object] = [
        None,
        [],
        {},
        *({**good[0], **odd} for odd in ({"amount": "7"}, {"reference": 7})),
    ]
    late = {**good[0], "reference": "FT2", "transactionDateTime": "hôm qua"}
    state = read_state({**answer, "transactions": [*bad, *good, late]})
    assert [transfer.amount for transfer in state.transfers] == [20_000, 20_000]
    assert (state.transfers[1].at, state.unreadable_transfers) == (None, 5)


@pytest.mark.parametrize("status", ["FAILED", "PROCESSING", "SOMETHING_NEW"])
async def test_a_status_that_ends_nothing_changes_nothing_before_its_time(
    at_work: Desk, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topup, _ = await at_work.open()
    monkeypatch.setattr(Order, "status", status)
    await at_work.check(topup)
    assert (await at_work.state(topup)).status is Status.PENDING
    await at_work.let_expire(topup)
    await at_work.check(topup)
    assert (await at_work.state(topup)).status is Status.EXPIRED


async def test_the_same_money_under_another_reference_is_held_not_credited_twice(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open()
    await at_work.hear(order, order.receive(50_000))
    under_another_reference(order)
    findings = await at_work.check(topup)
    assert (findings.held, findings.recovered) == (1, [])
    assert await at_work.balance(topup) == 50_000
    assert (await at_work.check(topup)).outcome is CheckOutcome.UNCHANGED


@pytest.mark.parametrize("known", [True, False], ids=["unpaid", "unknown"])
async def test_money_that_payos_denies_is_told_once_its_time_is_over(
    at_work: Desk, known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """As when somebody else has the checksum key."""
    topup = (await at_work.open())[0] if known else await at_work.process.topup()
    forged = Order(topup.order_code, 50_000, topup.tx_ref, "", "", None, Account())
    if known:
        forged.payment_link_id = at_work.payos.find(str(topup.order_code)).payment_link_id
    await at_work.hear(forged, forged.receive(50_000))
    assert await at_work.balance(topup) == 50_000
    assert not (await at_work.check(topup)).denied, "GET may be behind the webhook"
    await at_work.let_expire(topup)
    findings = await at_work.check(topup)
    assert (findings.denied, findings.outcome) == (50_000, CheckOutcome.DENIED)
    odd = "event=reconcile.odd reason=more_credited order_code=%d credited=50000 paid=0"
    assert odd % topup.order_code in caplog.messages


async def test_one_transfer_that_two_webhooks_tell_under_two_references_is_told(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open()
    transfer = order.receive(50_000)
    await at_work.hear(order, transfer)
    await at_work.hear(order, replace(transfer, reference="FT-2"))
    await at_work.let_expire(topup, order)
    assert (await at_work.check(topup)).denied == 50_000


async def test_unlike_transfers_that_are_more_than_was_paid_are_told(
    at_work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def paid_in_part(order: Order) -> JsonObject:
        return link(order) | {"amountPaid": 20_000}

    monkeypatch.setattr(app.payos.simulator.api, "link", paid_in_part)
    topup, order = await at_work.open()
    order.receive(20_000)
    order.receive(30_000)
    await at_work.let_expire(topup, order)
    findings = await at_work.check(topup)
    assert (findings.recovered, findings.denied) == ([20_000, 30_000], 30_000)


async def test_what_came_from_elsewhere_is_not_denied(at_work: Desk) -> None:
    """A person assigned what was in suspense; another order's text named this top-up."""
    topup, order = await at_work.open(100_000)
    stranger = Order(5_000, 100_000, topup.tx_ref, "", "", None, Account())
    await at_work.hear(stranger, stranger.receive(100_000))
    await at_work.hear(order, replace(order.receive(50_000), reference=""))
    order.transfers.clear()
    assign = "SELECT topup.assign_suspense(event_id, %s, 'x', 'Lan') FROM audit.suspense"
    await query(at_work.url, assign, topup.tx_ref)
    assert await at_work.balance(topup) == 150_000
    await at_work.let_expire(topup)
    assert not (await at_work.check(topup)).denied


async def test_a_webhook_for_what_was_asked_before_under_another_reference_is_held(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open()
    transfer = order.receive(50_000)
    under_another_reference(order)
    await at_work.check(topup)
    assert (await at_work.hear(order, transfer)).outcome is Outcome.CONFLICT
    assert await at_work.balance(topup) == 50_000


async def test_two_payments_of_one_minute_are_both_credited_once_an_answer_lists_both(
    at_work: Desk,
) -> None:
    topup, order = await at_work.open()
    order.receive(50_000)
    await at_work.check(topup)
    second = order.receive(50_000)
    assert (await at_work.hear(order, second)).outcome is Outcome.CONFLICT
    assert (await at_work.check(topup)).recovered == [50_000]
    assert (await at_work.hear(order, second)).outcome is Outcome.DUPLICATE
    assert await at_work.balance(topup) == 100_000


async def test_a_call_that_fails_records_nothing_and_says_so(at_work: Desk) -> None:
    topup, _ = await at_work.open()
    [order] = await at_work.book.orders([topup.tx_ref])
    async with gateway_to(NOBODY) as nobody:
        with pytest.raises(PayOSTimeout):
            await Reconciler(nobody, at_work.append, CLIENT_ID, at_work.linker.resume).check(order)
    assert await events_of(at_work, topup.tx_ref) == ["topup.opened", "topup.linked"]


async def check_answered(at_work: Desk, topup: Topup, answer: bytes) -> Findings:
    [order] = await at_work.book.orders([topup.tx_ref])
    async with answering(answer) as url, gateway_to(url) as gateway:
        resume = at_work.linker.resume
        return await Reconciler(gateway, at_work.append, CLIENT_ID, resume).check(order)


@pytest.mark.parametrize("code", ["20", "102", "ORDER_GONE"])
async def test_what_payos_refuses_to_tell_of_expires_with_its_time_and_late_money_counts(
    at_work: Desk, code: str
) -> None:
    refusal = http(json.dumps({"code": code, "desc": "x"}).encode())
    topup, order = await at_work.open()
    with pytest.raises(PayOSRefused):
        await check_answered(at_work, topup, refusal)
    assert (await at_work.state(topup)).status is Status.PENDING
    await at_work.let_expire(topup)
    assert (await check_answered(at_work, topup, refusal)).closed
    assert (await at_work.state(topup)).status is Status.EXPIRED
    assert (await check_answered(at_work, topup, refusal)).outcome is CheckOutcome.UNKNOWN
    await at_work.hear(order, order.receive(50_000))
    found = await at_work.state(topup)
    assert (found.status, found.late) == (Status.CONFIRMED, True)


async def test_money_that_payos_refuses_to_tell_of_is_not_denied(
    at_work: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    refusal = http(json.dumps({"code": "20", "desc": "x"}).encode())
    topup, order = await at_work.open()
    await at_work.hear(order, order.receive(50_000))
    await at_work.let_expire(topup, order)
    findings = await check_answered(at_work, topup, refusal)
    assert (findings.denied, findings.outcome) == (0, CheckOutcome.UNKNOWN)
    assert "more_credited" not in caplog.text


@pytest.mark.parametrize(
    ("code", "status"),
    [("201", 200), ("214", 200), ("401", 200), ("403", 200), ("429", 200), ("500", 200),
     ("20", 401), ("20", 403), ("20", 500)],
)  # fmt: skip
async def test_a_refusal_that_is_not_about_the_order_ends_none(
    at_work: Desk, code: str, status: int
) -> None:
    topup, _ = await at_work.open()
    await at_work.let_expire(topup)
    with pytest.raises(PayOSRefused):
        refusal = http(json.dumps({"code": code, "desc": "x"}).encode(), status)
        await check_answered(at_work, topup, refusal)
    assert (await at_work.state(topup)).status is Status.PENDING


async def test_an_answer_about_another_order_ends_none_and_brings_no_money(at_work: Desk) -> None:
    topup, _ = await at_work.open()
    other, paid = await at_work.open()
    paid.receive(50_000)
    await at_work.let_expire(topup)
    with pytest.raises(PayOSRefused):
        await check_answered(at_work, topup, envelope(link(paid)))
    assert (await at_work.state(topup)).status is Status.PENDING
    assert await at_work.balance(other) == 0


async def test_a_margin_after_the_time_to_pay_belongs_to_the_payer(at_work: Desk) -> None:
    topup, _ = await at_work.open()
    [row] = await query(
        at_work.url,
        "SELECT topup.payable_until(expires_at) - expires_at FROM topup.topups WHERE tx_ref = %s",
        topup.tx_ref,
    )
    assert row == (timedelta(seconds=5),)
