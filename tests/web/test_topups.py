"""Opening a top-up, asking how it stands, and the wallet."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.model import TX_REF_PATTERN, TxRef
from tests.payments import connected, query
from tests.web.line import PATIENCE_SECONDS, client, eventually
from tests.web.service import API_KEY, CLIENT_ID, LINKED, OPENED, RECEIVED, Napvi, Payer, events_of
from tests.web.webhooks import signed, transfer_data

WAITING = """
    SELECT pid FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
NOBODY = "http://127.0.0.1:9"  # the discard port: a connection is refused


async def link_at_payos(napvi: Napvi, order_code: int) -> dict[str, Any]:
    """What PayOS itself knows about the order."""
    headers = {"x-client-id": CLIENT_ID, "x-api-key": API_KEY}
    async with client(napvi.payos_url) as shop:
        answer = await shop.get(f"/v2/payment-requests/{order_code}", headers=headers)
    link: dict[str, Any] = answer.json()["data"]
    return link


async def only_topup(url: str) -> tuple[TxRef, int]:
    """tx_ref and order code."""
    ((tx_ref, order_code),) = await query(url, "SELECT tx_ref, order_code FROM topup.topups")
    return TxRef(tx_ref), int(order_code)


async def test_init_answers_with_everything_that_is_needed_to_pay(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    answer = await payer.init(50_000)
    assert (answer.status_code, answer.headers["Content-Type"]) == (201, "application/json")
    topup = answer.json()
    assert TX_REF_PATTERN.fullmatch(topup["tx_ref"])
    told = {name: topup[name] for name in ("amount", "amount_paid", "status", "late", "stream")}
    assert told == {
        "amount": 50_000,
        "amount_paid": 0,
        "status": "pending",
        "late": False,
        "stream": True,
    }
    link = await link_at_payos(napvi, topup["order_code"])
    assert (link["amount"], link["status"]) == (50_000, "PENDING")
    assert topup["checkout_url"] == f"{napvi.payos_url}/web/{link['id']}"
    assert topup["tx_ref"] in topup["qr_code"], "the transfer carries our reference"
    assert topup["account_number"] in topup["qr_code"]
    lifetime = datetime.fromisoformat(topup["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=14) < lifetime <= timedelta(minutes=15)
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED]


async def test_while_the_wallet_stays_locked_init_is_told_to_come_again_and_status_answers(
    hasty: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    async with client(hasty.url) as visitor:
        visitor.cookies, in_haste = payer.client.cookies, Payer(visitor)
        async with connected(database_url) as other, other.transaction():
            await other.execute("SELECT FROM topup.wallets FOR UPDATE")
            answer = await in_haste.init(key="k")
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
            assert (await in_haste.status(topup["tx_ref"]))["status"] == "pending"
    assert (await payer.init(key="k")).status_code == 201


async def test_nobody_keeps_a_copy_of_what_a_payer_is_told(payer: Payer) -> None:
    answer = await payer.init(50_000)
    assert answer.headers["Cache-Control"] == "private, no-store"


async def test_init_needs_a_login(napvi: Napvi) -> None:
    async with napvi.visitor() as visitor:
        answer = await visitor.post("/api/topup/init", json={"amount": 50_000})
    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")


async def test_init_without_a_key_opens_another_topup_each_time(payer: Payer) -> None:
    assert (await payer.open())["tx_ref"] != (await payer.open())["tx_ref"]


@pytest.mark.parametrize("service_settings", [{"payos_timeout_seconds": 0.2}])
async def test_when_payos_does_not_answer_the_topup_waits_and_a_retry_completes_it(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold(everything=True)
    answer = await payer.init(key="k")
    assert (answer.status_code, answer.json()["code"]) == (504, "payos_timeout")
    tx_ref, order_code = await only_topup(database_url)
    assert (await payer.status(tx_ref))["status"] == "pending"

    napvi.payos.release()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (retried := await payer.init(key="k")).status_code in (503, 504):
            pass  # so little time may be too little once more, or so often that nobody asks
    assert retried.status_code == 201
    assert (retried.json()["tx_ref"], retried.json()["order_code"]) == (tx_ref, order_code)
    link = await link_at_payos(napvi, order_code)
    assert retried.json()["checkout_url"] == f"{napvi.payos_url}/web/{link['id']}"
    assert await events_of(database_url, tx_ref) == [OPENED, LINKED]


@pytest.mark.parametrize("service_settings", [{"payos_timeout_seconds": 3.0}])
async def test_a_link_that_payos_made_and_did_not_tell_in_time_is_found_by_its_order_code(
    napvi: Napvi, payer: Payer
) -> None:
    napvi.payos.hold()
    answer = await payer.init()
    assert answer.status_code == 201
    link = await link_at_payos(napvi, answer.json()["order_code"])
    assert answer.json()["checkout_url"] == f"{napvi.payos_url}/web/{link['id']}"


async def test_when_payos_is_broken_the_topup_waits_and_a_retry_completes_it(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.status = 500
    answer = await payer.init(key="k")
    assert (answer.status_code, answer.json()["code"]) == (502, "payos_refused")
    assert "Sorry" not in answer.text
    tx_ref, _ = await only_topup(database_url)
    assert await events_of(database_url, tx_ref) == [OPENED]

    napvi.payos.status = None
    retried = await payer.init(key="k")
    assert (retried.status_code, retried.json()["tx_ref"]) == (201, tx_ref)
    assert retried.json()["qr_code"]


@pytest.mark.parametrize("service_settings", [{"payos_base_url": NOBODY}])
async def test_when_nobody_listens_at_payos_the_topup_waits(
    payer: Payer, database_url: str
) -> None:
    answer = await payer.init()
    assert (answer.status_code, answer.json()["code"]) == (504, "payos_timeout")
    tx_ref, _ = await only_topup(database_url)
    assert (await payer.status(tx_ref))["status"] == "pending"


async def test_a_payer_who_leaves_in_the_middle_of_init_finds_the_link_later(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold()
    leaving = asyncio.create_task(payer.init(key="k"))
    await napvi.payos.answering.wait()
    leaving.cancel()  # httpx closes the socket
    await eventually(lambda: napvi.line.under_way == 0)
    napvi.payos.release()
    while (found := await payer.init(key="k")).status_code == 409:
        pass
    assert (found.status_code, bool(found.json()["qr_code"])) == (201, True)
    assert await events_of(database_url, found.json()["tx_ref"]) == [OPENED, LINKED]
    assert napvi.payos.answers == 1


async def test_a_payer_who_leaves_before_the_top_up_is_open_finds_the_link_as_well(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    async with connected(database_url) as holder, holder.transaction():
        await holder.execute("SELECT FROM topup.wallets FOR UPDATE")  # as another of this user
        leaving = asyncio.create_task(payer.init(key="k"))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await query(database_url, WAITING):
                pass
        leaving.cancel()
        await eventually(lambda: napvi.line.under_way == 0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (found := await payer.init(key="k")).status_code == 409:
            pass
    assert (found.status_code, bool(found.json()["qr_code"])) == (201, True)
    assert await events_of(database_url, found.json()["tx_ref"]) == [OPENED, LINKED]


async def test_a_service_that_stops_first_records_the_link_of_a_payer_who_left(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold()
    leaving = asyncio.create_task(payer.init())
    await napvi.payos.answering.wait()
    leaving.cancel()
    await eventually(lambda: napvi.line.under_way == 0)
    closing = asyncio.create_task(napvi.app.close())
    await eventually(lambda: not napvi.app.streaming.listener.ready)
    assert not closing.done()
    napvi.payos.release()
    await closing
    tx_ref, _ = await only_topup(database_url)
    assert await events_of(database_url, tx_ref) == [OPENED, LINKED]


async def test_money_that_comes_before_inits_answer_is_credited_once_and_keeps_the_link(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold()
    opening = asyncio.create_task(payer.init(50_000))
    await napvi.payos.answering.wait()
    tx_ref, order_code = await only_topup(database_url)
    paid = await napvi.pay(order_code, 50_000)
    assert paid["delivered"]
    assert (await payer.status(tx_ref))["status"] == "confirmed"

    napvi.payos.release()
    answer = await opening
    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")
    assert await events_of(database_url, tx_ref) == [OPENED, RECEIVED, LINKED]
    link_ids = await query(database_url, "SELECT payment_link_id FROM topup.topups")
    assert link_ids == [(paid["webhook"]["paymentLinkId"],)]
    assert (await napvi.resend(order_code))["delivered"]
    assert await payer.balance() == 50_000


async def test_a_link_that_another_transfer_named_first_is_not_replaced(
    napvi: Napvi, payer: Payer, database_url: str
) -> None:
    napvi.payos.hold()
    opening = asyncio.create_task(payer.init(50_000))
    await napvi.payos.answering.wait()
    tx_ref, order_code = await only_topup(database_url)
    data = transfer_data(order_code, 20_000, description=tx_ref)
    async with napvi.visitor() as payos:
        await payos.post("/api/payos/webhook", content=signed(data))
    napvi.payos.release()
    assert (await opening).json()["status"] == "underpaid"
    link_ids = await query(database_url, "SELECT payment_link_id FROM topup.topups")
    assert link_ids == [(data["paymentLinkId"],)]


@pytest.mark.parametrize("service_settings", [{"public_url": "https://napvi.example/"}])
async def test_payos_sends_the_payer_back_to_our_public_address(
    napvi: Napvi, topup: dict[str, Any]
) -> None:
    await napvi.pay(topup["order_code"], 50_000)
    async with client(napvi.payos_url) as browser:
        page = (await browser.get(topup["checkout_url"])).text
    assert f'"https://napvi.example/wallet/topup/{topup["tx_ref"]}?' in page


async def test_status_tells_the_same_as_the_frames_at_every_step(
    napvi: Napvi, payer: Payer
) -> None:
    topup = await payer.open(50_000)
    tx_ref = topup["tx_ref"]
    async with payer.stream(tx_ref) as stream:
        for seq, amount in ((2, None), (3, 20_000), (4, 30_000)):
            if amount is not None:
                await napvi.pay(topup["order_code"], amount)
            frame = await stream.until_seq(seq)
            assert await payer.status(tx_ref) == frame.json | {"stream": True}


async def test_status_has_these_members(payer: Payer, topup: dict[str, Any]) -> None:
    update = await payer.status(topup["tx_ref"])
    recorded_at = datetime.fromisoformat(update.pop("recorded_at"))
    assert timedelta(0) < datetime.now(UTC) - recorded_at < timedelta(minutes=1)
    assert update == {
        "tx_ref": topup["tx_ref"],
        "seq": 2,
        "type": "topup.linked",
        "status": "pending",
        "amount": 50_000,
        "amount_paid": 0,
        "confirmed_at": None,
        "late": False,
        "under_review": False,
        "final": False,
        "wallet_balance": 0,
        "expires_at": topup["expires_at"],
        "stream": True,
    }


@pytest.mark.parametrize("path", ["/api/topup/status", "/api/topup/stream"])
async def test_a_foreign_topup_and_an_unknown_one_get_the_same_answer_byte_for_byte(
    napvi: Napvi, topup: dict[str, Any], path: str
) -> None:
    async with napvi.payer() as stranger:
        foreign, unknown = [
            await stranger.client.get(path, params={"tx_ref": tx_ref})
            for tx_ref in (topup["tx_ref"], "TZZZZZZZZ")
        ]
    for answer in (foreign, unknown):
        del answer.headers["Date"]
    assert (foreign.status_code, unknown.status_code) == (404, 404)
    assert foreign.content == unknown.content
    assert foreign.headers.raw == unknown.headers.raw


async def test_the_wallet_tells_balance_entries_and_topups_newest_first(
    napvi: Napvi, payer: Payer
) -> None:
    first, second = await payer.open(50_000), await payer.open(70_000)
    await napvi.pay(first["order_code"], 50_000)
    await napvi.pay(second["order_code"], 10_000)
    wallet = (await payer.client.get("/api/wallet")).json()
    assert wallet["balance"] == 60_000
    entries = [{k: e[k] for k in ("tx_ref", "amount", "balance_after")} for e in wallet["entries"]]
    assert entries == [
        {"tx_ref": second["tx_ref"], "amount": 10_000, "balance_after": 60_000},
        {"tx_ref": first["tx_ref"], "amount": 50_000, "balance_after": 50_000},
    ]
    topups = [(t["tx_ref"], t["status"], t["amount_paid"]) for t in wallet["topups"]]
    assert topups == [
        (second["tx_ref"], "underpaid", 10_000),
        (first["tx_ref"], "confirmed", 50_000),
    ]


async def test_a_new_payer_has_an_empty_wallet(payer: Payer) -> None:
    wallet = (await payer.client.get("/api/wallet")).json()
    assert wallet == {"balance": 0, "entries": [], "topups": []}


async def test_nobody_sees_the_wallet_of_another(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    await napvi.pay(topup["order_code"], 50_000)
    async with napvi.payer() as stranger:
        wallet = (await stranger.client.get("/api/wallet")).json()
    assert wallet == {"balance": 0, "entries": [], "topups": []}
    assert await payer.balance() == 50_000


@pytest.mark.parametrize("path", ["/api/wallet", "/api/topup/status?tx_ref=T00000000"])
async def test_reading_needs_a_login(napvi: Napvi, path: str) -> None:
    async with napvi.visitor() as visitor:
        answer = await visitor.get(path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_logged_in")
