"""A service whose webhooks are lost: it asks PayOS, and the payer sees the money all the same."""

import asyncio
from typing import Any

import pytest

from app.errors import PayOSTimeout
from tests.payments import open_process, query
from tests.web.line import client
from tests.web.service import API_KEY, CLIENT_ID, LINKED, OPENED, RECEIVED, Napvi, Payer, events_of
from tests.web.service import running as served

CANCELLED = "topup.cancelled"
PATIENCE_SECONDS = 20
QUICK: dict[str, Any] = {
    "reconcile_schedule_seconds": "0.3,0.6,1,2",
    "reconcile_tick_seconds": 0.05,
    "reconcile_nudge_seconds": 0.1,
    "reconcile_backoff_seconds_max": 0.2,
    "public_url": "http://napvi.example",
}
UNHURRIED = QUICK | {"reconcile_schedule_seconds": "300,600", "reconcile_nudge_seconds": 60.0}
TAKEN = """
    SELECT FROM topup.payos_checks
    WHERE claimed_until IS NOT NULL OR next_at < clock_timestamp() + interval '50 s'
"""
LINKS = "SELECT count(*) FROM topup.topups WHERE qr_code LIKE '000201%%' AND tx_ref = %s"


@pytest.fixture
def service_settings() -> dict[str, Any]:
    return dict(QUICK)


async def pay_unheard(napvi: Napvi, order_code: int, amount: int = 50_000) -> None:
    """The webhook meets a broken proxy."""
    napvi.line.status = 502
    try:
        assert not (await napvi.pay(order_code, amount))["delivered"]
    finally:
        napvi.line.status = None


async def becomes(payer: Payer, tx_ref: str, status: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (update := await payer.status(tx_ref))["status"] != status:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return update


async def cancel(payer: Payer, tx_ref: object) -> Any:
    return await payer.client.post("/api/topup/cancel", json={"tx_ref": tx_ref})


async def test_without_any_webhook_every_payment_is_confirmed_once(
    napvi: Napvi, payer: Payer
) -> None:
    topups = [await payer.open() for _ in range(6)]
    for topup in topups:
        await pay_unheard(napvi, topup["order_code"])
    for topup in topups:
        await becomes(payer, topup["tx_ref"], "confirmed")
    assert await payer.balance() == 6 * 50_000


async def test_a_topup_whose_process_died_before_the_link_gets_one(
    napvi: Napvi, database_url: str
) -> None:
    async with open_process(database_url, **QUICK) as dead:
        topup = await dead.topup()
    await query(database_url, "DELETE FROM topup.link_claims RETURNING 1")  # it has expired
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await query(database_url, LINKS, topup.tx_ref) != [(1,)]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_the_stream_tells_what_was_found_by_asking(napvi: Napvi, payer: Payer) -> None:
    topup = await payer.open()
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.begun()
        await pay_unheard(napvi, topup["order_code"])
        await stream.until(lambda message: message.json.get("status") == "confirmed")


@pytest.mark.parametrize("service_settings", [QUICK | {"reconcile_schedule_seconds": "30,60"}])
async def test_when_the_webhook_came_payos_is_not_asked(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    topup = await payer.open()
    await napvi.pay(topup["order_code"], 50_000)
    # Only now, for whoever is asked about before the money came is rightly asked about.
    await query(database_url, "UPDATE topup.payos_checks SET next_at = now() RETURNING 1")
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await query(  # noqa: ASYNC110
            database_url,
            "SELECT FROM topup.payos_checks WHERE next_at < now() + interval '1 min'",
        ):
            await asyncio.sleep(0.02)
    assert await query(database_url, "SELECT asked FROM topup.payos_checks") == [(0,)]


async def test_while_payos_is_away_it_is_asked_again_until_it_answers(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    topup = await payer.open()
    napvi.payos.status = 500  # before there is money that could be found; the bank still works
    await pay_unheard(napvi, topup["order_code"])
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await query(database_url, "SELECT FROM topup.payos_checks WHERE asked < 2"):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    napvi.payos.status = None
    await becomes(payer, topup["tx_ref"], "confirmed")


async def test_a_payer_calls_a_topup_off_and_it_is_closed_at_payos_first(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    topup = await payer.open()
    answer = await cancel(payer, topup["tx_ref"])
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert answer.json().keys() == (await payer.status(topup["tx_ref"])).keys()
    headers = {"x-client-id": CLIENT_ID, "x-api-key": API_KEY}
    async with client(napvi.payos_url) as shop:
        link = await shop.get(f"/v2/payment-requests/{topup['order_code']}", headers=headers)
    assert link.json()["data"]["status"] == "CANCELLED"
    assert (await cancel(payer, topup["tx_ref"])).json()["status"] == "cancelled"
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, CANCELLED]


@pytest.mark.parametrize("service_settings", [UNHURRIED])
@pytest.mark.parametrize("told", ["cancel=true", "status=CANCELLED"])
async def test_who_called_it_off_at_payos_and_is_back_sees_so_at_once(
    napvi: Napvi, payer: Payer, told: str
) -> None:
    topup = await payer.open()
    async with payer.stream(topup["tx_ref"]) as stream:
        await stream.begun()
        await payer.client.post(f"{topup['checkout_url']}/cancel")
        await payer.client.get(f"/wallet/topup/{topup['tx_ref']}?code=00&{told}")
        async with asyncio.timeout(PATIENCE_SECONDS):
            await stream.until(lambda message: message.json.get("status") == "cancelled")


@pytest.mark.parametrize("service_settings", [UNHURRIED])
async def test_what_the_address_says_is_a_reason_to_ask_once_and_is_not_believed(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    topup = await payer.open()
    for _ in range(3):
        await payer.client.get(f"/wallet/topup/{topup['tx_ref']}?cancel=true&status=CANCELLED")
        async with asyncio.timeout(PATIENCE_SECONDS):
            while questions(napvi) != 1:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await asyncio.sleep(4 * UNHURRIED["reconcile_tick_seconds"])
    assert questions(napvi) == 1
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED]


@pytest.mark.parametrize("service_settings", [{"reconcile": False}])
async def test_money_that_came_before_the_cancelling_is_credited_instead(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    topup = await payer.open()
    await pay_unheard(napvi, topup["order_code"])
    answer = await cancel(payer, topup["tx_ref"])
    assert (answer.status_code, answer.json()["status"]) == (200, "confirmed")
    assert answer.json()["wallet_balance"] == 50_000
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, RECEIVED]


@pytest.mark.parametrize("service_settings", [{"reconcile": False}])
async def test_when_payos_is_away_nothing_is_called_off(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    topup = await payer.open()
    napvi.payos.status = 500
    assert (await cancel(payer, topup["tx_ref"])).status_code == 502
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED]


@pytest.mark.parametrize(
    "service_settings",
    [{"reconcile": False, "payos_breaker_no_answers": 1, "payos_timeout_seconds": 4.0}],
)
async def test_who_calls_off_is_not_held_up_by_what_the_background_meets(
    napvi: Napvi, payer: Payer
) -> None:
    topup = await payer.open()
    napvi.payos.hold(everything=True)
    with pytest.raises(PayOSTimeout):
        await napvi.app.payments.gateway.find_link(topup["order_code"])
    napvi.payos.release()
    answer = await cancel(payer, topup["tx_ref"])
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")


async def test_nobody_calls_off_what_is_not_theirs_or_names_nothing(
    napvi: Napvi, payer: Payer
) -> None:
    topup = await payer.open()
    async with napvi.payer() as other:
        assert (await cancel(other, topup["tx_ref"])).status_code == 404
    assert (await cancel(payer, "T00000000")).status_code == 404
    for malformed in ("no tx_ref", 7, None):
        assert (await cancel(payer, malformed)).status_code == 400
    assert (await payer.status(topup["tx_ref"]))["status"] == "pending"


async def test_two_services_ask_about_a_topup_once(database_url: str, cheap_hasher: None) -> None:
    slow = QUICK | {"reconcile_schedule_seconds": "1,100,200"}
    async with (
        served(database_url, **slow) as one,
        served(database_url, **slow) as other,
        one.payer() as payer,
    ):
        await payer.open()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (questions(one) or questions(other)):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert await query(database_url, TAKEN) == []
        assert questions(one) + questions(other) == 1


def questions(napvi: Napvi) -> float:
    """About how many top-ups this process has asked PayOS."""
    return sum(
        sample.value
        for metric in napvi.app.metrics.checks.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    )
