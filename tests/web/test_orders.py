"""What PayOS is asked for: how many orders of one user, until when, and under which code."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.model import VIETNAM
from app.payos.linking import ORDER_CODES_TRIED_MAX
from tests.payments import drift, query
from tests.payos.calling import gateway_to
from tests.web.line import client
from tests.web.service import API_KEY, CLIENT_ID, LINKED, OPENED, Napvi, Payer, events_of
from tests.web.webhooks import CHECKSUM_KEY

RENUMBERED = "topup.renumbered"
LIMIT = 5
FEW = {"topups_open_max": LIMIT}
OTHER_AMOUNT = 77_000


async def order_elsewhere(napvi: Napvi, order_code: int, amount: int = OTHER_AMOUNT) -> None:
    """An order of the same channel that this database knows nothing of."""
    async with gateway_to(
        napvi.payos_url,
        payos_client_id=CLIENT_ID,
        payos_api_key=API_KEY,
        payos_checksum_key=CHECKSUM_KEY,
    ) as gateway:
        await gateway.create_link(
            order_code=order_code,
            amount_vnd=amount,
            description="T0000000Z",
            return_url="https://shop.example/return",
            cancel_url="https://shop.example/cancel",
            opened_at=datetime.now(UTC),
            expires_at=datetime.now(UTC) + timedelta(minutes=15),
        )


async def next_order_codes(url: str, count: int) -> list[int]:
    [(last,)] = await query(url, "SELECT last_value FROM topup.order_codes")
    return [last + n for n in range(1, count + 1)]


async def test_the_order_expires_at_payos_when_the_topup_does(
    napvi: Napvi, topup: dict[str, Any]
) -> None:
    expires_at = datetime.fromisoformat(topup["expires_at"]).astimezone(VIETNAM)
    async with client(napvi.payos_url) as browser:
        page = (await browser.get(topup["checkout_url"])).text
    assert f"{expires_at:%H:%M:%S}" in page


@pytest.mark.parametrize("service_settings", [FEW])
async def test_of_thirty_in_parallel_the_limit_lets_five_through(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    answers = await asyncio.gather(*(payer.init() for _ in range(30)))
    refusals = [answer for answer in answers if answer.status_code != 201]
    assert len(refusals) == 30 - LIMIT
    assert {(answer.status_code, answer.json()["code"]) for answer in refusals} == {
        (429, "too_many_open")
    }
    assert all(800 < int(answer.headers["Retry-After"]) <= 900 for answer in refusals)
    assert "wait until one has expired" in refusals[0].json()["detail"]
    assert await query(database_url, "SELECT count(*) FROM topup.topups") == [(LIMIT,)]
    assert napvi.payos.answers == LIMIT


@pytest.mark.parametrize("service_settings", [FEW])
async def test_at_the_limit_a_payment_makes_room_and_a_repetition_needs_none(
    napvi: Napvi, payer: Payer
) -> None:
    first = await payer.init(50_000, key="k")
    for _ in range(LIMIT - 1):
        await payer.open()
    assert (await payer.init(50_000, key="k")).json() == first.json()
    assert (await payer.init(key="new")).status_code == 429
    async with napvi.payer() as other:
        assert (await other.init()).status_code == 201
    await napvi.pay(first.json()["order_code"], 50_000)
    assert (await payer.init(key="new")).status_code == 201


async def test_a_code_that_payos_has_already_is_replaced_by_the_next(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    taken, free = await next_order_codes(database_url, 2)
    await order_elsewhere(napvi, taken)
    first = await payer.init(50_000, key="k")
    assert (first.status_code, first.json()["order_code"]) == (201, free)
    assert await events_of(database_url, first.json()["tx_ref"]) == [OPENED, RENUMBERED, LINKED]
    again = await payer.init(50_000, key="k")
    assert again.json() == first.json()
    assert (await napvi.pay(free, 50_000))["delivered"]
    assert await payer.balance() == 50_000
    assert await drift(database_url) == []


async def test_what_is_paid_for_the_other_order_is_credited_to_nobody(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    taken, _ = await next_order_codes(database_url, 2)
    await order_elsewhere(napvi, taken)
    await payer.open()
    await napvi.pay(taken, OTHER_AMOUNT)
    assert await payer.balance() == 0
    suspended = "SELECT sum(amount) FROM topup.ledger_entries WHERE account = 'suspense'"
    assert await query(database_url, suspended) == [(OTHER_AMOUNT,)]


@pytest.mark.parametrize("end", ["pay", "cancel"])
async def test_an_order_of_the_same_amount_that_is_closed_is_not_taken_for_ours(
    napvi: Napvi, payer: Payer, database_url: str, end: str
) -> None:
    taken, free = await next_order_codes(database_url, 2)
    await order_elsewhere(napvi, taken, 50_000)
    async with client(napvi.payos_url) as bank:
        answer = await bank.post(f"/simulator/links/{taken}/{end}", json={})
        assert answer.status_code == 200, answer.text
    assert (await payer.open(50_000))["order_code"] == free


async def test_codes_are_not_tried_for_ever_and_the_key_goes_on_from_there(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    codes = await next_order_codes(database_url, ORDER_CODES_TRIED_MAX + 1)
    for code in codes[:-1]:
        await order_elsewhere(napvi, code)
    asked = napvi.payos.answers
    refused = await payer.init(key="k")
    assert (refused.status_code, refused.json()["code"]) == (502, "payos_refused")
    assert napvi.payos.answers - asked == ORDER_CODES_TRIED_MAX
    found = await payer.init(key="k")
    assert (found.status_code, found.json()["order_code"]) == (201, codes[-1])


async def test_two_topups_that_meet_taken_codes_at_once_get_different_ones(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    for code in await next_order_codes(database_url, 2):
        await order_elsewhere(napvi, code)
    answers = await asyncio.gather(*(payer.init() for _ in range(2)))
    assert [answer.status_code for answer in answers] == [201, 201]
    assert len({answer.json()["order_code"] for answer in answers}) == 2
