"""Where PayOS tells us that money came: what is recorded, and what PayOS hears."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, LiteralString

import httpx
import pytest

from app.http.request_rules import WEBHOOK_PATH
from app.payos.signature import canonical, sign
from tests.payments import connected, query
from tests.stream.relay import Relay
from tests.web.http2 import http2
from tests.web.line import PATIENCE_SECONDS, eventually
from tests.web.raw_http import answer_to
from tests.web.service import JSON, LINKED, OPENED, RECEIVED, Napvi, Payer, events_of, running
from tests.web.webhooks import CHECKSUM_KEY, signed, transfer_data

OTHER_KEY = "0ddba11" * 9
BYTES_MAX = 64 * 1024
SUCCESS = (200, {"success": True})
AMOUNT_MAX = 2**53 - 1


class PayOS:
    """Somebody who can post to the webhook."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def post(self, body: bytes | AsyncIterator[bytes], **headers: str) -> httpx.Response:
        return await self._client.post(WEBHOOK_PATH, content=body, headers=JSON | headers)

    async def tell(self, body: bytes, **headers: str) -> tuple[int, Any]:
        answer = await self.post(body, **headers)
        return answer.status_code, answer.json()


@pytest.fixture
async def payos(napvi: Napvi) -> AsyncIterator[PayOS]:
    async with napvi.visitor() as client:
        yield PayOS(client)


async def data_for(url: str, topup: Mapping[str, Any], **changes: object) -> dict[str, Any]:
    """The data of a transfer through the link of this top-up."""
    ((link_id,),) = await query(
        url, "SELECT payment_link_id FROM topup.topups WHERE tx_ref = %s", topup["tx_ref"]
    )
    return transfer_data(topup["order_code"], paymentLinkId=link_id) | changes


async def stored(url: str) -> tuple[int, int]:
    """How many events and how many raw bodies there are."""
    ((events, bodies),) = await query(
        url, "SELECT (SELECT count(*) FROM topup.events), (SELECT count(*) FROM topup.payos_bodies)"
    )
    return events, bodies


async def latest(url: str) -> tuple[str, str | None, dict[str, Any]]:
    """type, tx_ref and data of the latest event."""
    ((type, tx_ref, data),) = await query(
        url, "SELECT type, tx_ref, data FROM topup.events ORDER BY id DESC LIMIT 1"
    )
    return type, tx_ref, data


async def test_a_transfer_is_credited_and_acknowledged(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    body = signed(await data_for(database_url, topup, amount=50_000))
    assert await payos.tell(body) == SUCCESS
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, RECEIVED]
    assert (await payer.status(topup["tx_ref"]))["status"] == "confirmed"
    assert await payer.balance() == 50_000
    assert await query(database_url, "SELECT raw, fault FROM topup.payos_bodies") == [(body, None)]


async def test_the_event_holds_the_money_facts_and_not_the_payer(
    payos: PayOS, topup: dict[str, Any], database_url: str
) -> None:
    await payos.post(signed(await data_for(database_url, topup)))
    _, _, data = await latest(database_url)
    assert (data["amount"], data["matched_by"]) == (50_000, "order_code")
    assert "TRẦN" not in json.dumps(data, ensure_ascii=False)
    assert "9876543210" not in json.dumps(data)


async def test_a_transfer_told_twice_is_credited_once_and_acknowledged_twice(
    napvi: Napvi, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    assert (await napvi.pay(topup["order_code"], 20_000))["delivered"]
    before = await stored(database_url)
    assert (await napvi.resend(topup["order_code"]))["delivered"]
    assert await stored(database_url) == before
    assert await payer.balance() == 20_000


async def test_several_transfers_are_credited_one_by_one(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    seen = []
    for amount in (20_000, 20_000, 20_000):
        await napvi.pay(topup["order_code"], amount)
        seen.append(((await payer.status(topup["tx_ref"]))["status"], await payer.balance()))
    assert seen == [("underpaid", 20_000), ("underpaid", 40_000), ("confirmed", 60_000)]


async def test_money_for_an_unknown_order_is_kept_in_suspense_and_acknowledged(
    payos: PayOS, payer: Payer, database_url: str
) -> None:
    body = signed(transfer_data(999))
    assert await payos.tell(body) == SUCCESS
    type, tx_ref, data = await latest(database_url)
    assert (type, tx_ref, data["unmatched"]) == (RECEIVED, None, "order_code.unknown")
    assert await payos.tell(body) == SUCCESS
    assert await stored(database_url) == (1, 1)
    assert await payer.balance() == 0


async def test_money_through_a_foreign_link_goes_to_suspense(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    data = await data_for(database_url, topup, paymentLinkId="f" * 32)
    assert await payos.tell(signed(data)) == SUCCESS
    _, tx_ref, recorded = await latest(database_url)
    assert (tx_ref, recorded["unmatched"]) == (None, "payment_link_id.foreign")
    assert await payer.balance() == 0


async def test_a_transfer_that_comes_again_with_another_amount_is_no_second_credit(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    data = await data_for(database_url, topup, amount=20_000)
    assert await payos.tell(signed(data)) == SUCCESS
    other = signed(data | {"amount": 30_000})
    assert [await payos.tell(other), await payos.tell(other)] == [SUCCESS, SUCCESS]
    kinds = await events_of(database_url, topup["tx_ref"])
    assert kinds == [OPENED, LINKED, RECEIVED, "payment.conflict"]
    assert await payer.balance() == 20_000
    ((bodies,),) = await query(database_url, "SELECT count(*) FROM topup.payos_bodies")
    assert bodies == 2, "both versions are evidence"


@pytest.mark.parametrize("amount", [50_000, 0])
async def test_a_failed_transaction_is_recorded_and_a_later_success_is_credited(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str, amount: int
) -> None:
    data = await data_for(database_url, topup)
    assert await payos.tell(signed(data | {"code": "01", "amount": amount})) == SUCCESS
    assert (await payer.status(topup["tx_ref"]))["status"] == "failed"
    assert await payer.balance() == 0
    assert await payos.tell(signed(data)) == SUCCESS
    update = await payer.status(topup["tx_ref"])
    assert (update["status"], update["late"], update["wallet_balance"]) == (
        "confirmed",
        True,
        50_000,
    )


@pytest.mark.parametrize(
    "envelope",
    [
        {"code": "99", "desc": "failed", "success": False},
        {"code": None, "success": None, "desc": 7},
        {"success": "true", "extra": [{"a": 1}]},
    ],
)
async def test_what_is_not_signed_changes_nothing(
    payos: PayOS,
    payer: Payer,
    topup: dict[str, Any],
    database_url: str,
    envelope: dict[str, object],
) -> None:
    data = await data_for(database_url, topup)
    body = json.dumps(json.loads(signed(data)) | envelope).encode()
    assert await payos.tell(body) == SUCCESS
    assert await payos.tell(signed(data)) == SUCCESS
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, RECEIVED]
    assert await payer.balance() == 50_000


async def test_registering_our_address_at_payos_rings_here_and_records_nothing(
    napvi: Napvi, database_url: str
) -> None:
    account = await napvi.app.payments.gateway.confirm_webhook(napvi.url + WEBHOOK_PATH)
    assert account
    assert napvi.line.answers == 1
    assert await stored(database_url) == (0, 0)


async def test_a_wrong_signature_is_refused_and_nothing_is_stored(
    payos: PayOS, topup: dict[str, Any], database_url: str
) -> None:
    before = await stored(database_url)
    data = await data_for(database_url, topup)
    good = json.loads(signed(data))
    forgeries = {
        "of another key": signed(data, OTHER_KEY),
        "of nothing": json.dumps(good | {"signature": ""}).encode(),
        "in upper case": json.dumps(good | {"signature": good["signature"].upper()}).encode(),
        "not of hex": json.dumps(good | {"signature": "chữ ký" * 10}).encode(),
        "of another amount": json.dumps(good | {"data": data | {"amount": 50_001}}).encode(),
        "of another order": json.dumps(good | {"data": data | {"orderCode": 1}}).encode(),
        "of fewer fields": json.dumps(good | {"data": data | {"code": None}}).encode(),
        "of the whole envelope": json.dumps(good | {"signature": sign(good["data"], "k")}).encode(),
    }
    answers = {name: await payos.tell(body) for name, body in forgeries.items()}
    told = {name: (status, told["code"]) for name, (status, told) in answers.items()}
    assert told == dict.fromkeys(forgeries, (401, "invalid_signature"))
    assert await stored(database_url) == before


@pytest.mark.parametrize(
    "service_settings", [{"payos_checksum_key": f"{OTHER_KEY},{CHECKSUM_KEY}"}]
)
async def test_while_keys_are_rotated_both_are_good_and_a_third_is_not(
    payos: PayOS, database_url: str
) -> None:
    statuses = [
        (await payos.post(signed(transfer_data(999), key))).status_code
        for key in (CHECKSUM_KEY, OTHER_KEY, "c" * 64)
    ]
    assert statuses == [200, 200, 401]
    assert await stored(database_url) == (2, 2)


BEYOND: dict[str, list[object]] = {
    "amount": [0, -1, AMOUNT_MAX + 1, 10**400, 1.5, "50000", " 50000", True, None],
    "orderCode": [0, -1, AMOUNT_MAX + 1, 1.5, "1", True, None],
    "paymentLinkId": ["", None, "F" * 32, "f" * 31, "f" * 32 + "\n", 7],
    "reference": [7, "\ud800"],
    "currency": ["USD", 7],
    "code": ["", None, 0],
}


@pytest.mark.parametrize("field", BEYOND)
async def test_what_is_signed_and_makes_no_sense_is_kept_and_refused_by_field(
    payos: PayOS, topup: dict[str, Any], database_url: str, field: str
) -> None:
    bodies = [
        signed(await data_for(database_url, topup, **{field: value})) for value in BEYOND[field]
    ]
    before, _ = await stored(database_url)
    answers = [await payos.tell(body) for body in bodies]
    assert [status for status, _ in answers] == [400] * len(bodies)
    assert {told["code"] for _, told in answers} == {"invalid_request"}
    named = [[fault["field"] for fault in told["errors"]] for _, told in answers]
    assert named == [[f"data.{field}"]] * len(bodies)
    assert await stored(database_url) == (before, len(bodies))
    rows = await query(database_url, "SELECT raw, fault FROM topup.payos_bodies")
    assert {raw for raw, _ in rows} == set(bodies)
    assert all(field in fault for _, fault in rows)


@pytest.mark.parametrize("field", ["description", "accountNumber", "transactionDateTime"])
@pytest.mark.parametrize("value", ["\0", "\ud800", 7], ids=repr)
async def test_an_odd_value_that_carries_no_money_holds_up_none(
    payos: PayOS, topup: dict[str, Any], database_url: str, field: str, value: object
) -> None:
    before, _ = await stored(database_url)
    odd = signed(await data_for(database_url, topup, **{field: value}))
    assert (await payos.post(odd)).status_code == 200
    assert await stored(database_url) == (before + 1, 1)


async def test_the_largest_amount_of_all_is_credited(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    data = await data_for(database_url, topup, amount=AMOUNT_MAX)
    assert await payos.tell(signed(data)) == SUCCESS
    assert await payer.balance() == AMOUNT_MAX


async def test_fields_that_payos_adds_or_leaves_out_do_no_harm(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    data = await data_for(database_url, topup, feeAmount=1_000, taxes=[{"b": 1, "a": None}])
    for name in ("counterAccountName", "virtualAccountName", "desc", "transactionDateTime"):
        del data[name]
    assert await payos.tell(signed(data)) == SUCCESS
    assert await payer.balance() == 50_000


async def test_an_object_in_a_new_field_is_credited_and_in_a_known_one_the_body_is_kept(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    new = await data_for(database_url, topup, feeAmount={"vnd": 1_000}, tags=["a", 1])
    known = await data_for(database_url, topup, reference={"id": "FT1"})
    assert await payos.tell(signed(new)) == SUCCESS
    assert await payer.balance() == 50_000
    assert (await payos.tell(signed(known)))[0] == 400
    kept = await query(database_url, "SELECT raw FROM topup.payos_bodies WHERE fault IS NOT NULL")
    assert kept == [(signed(known),)]


DEEP = 20_000
HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n",
    "a BOM": b"\xef\xbb\xbf" + signed(transfer_data(999)),
    "UTF-16": signed(transfer_data(999)).decode().encode("utf-16"),
    "no UTF-8": b'{"data": "\xff\xfe"}',
    "a list": b"[1, 2]",
    "a string": b'"data"',
    "a number": b"7",
    "null": b"null",
    "an empty object": b"{}",
    "two objects": b"{}{}",
    "a form": b"data=1&signature=2",
    "NaN": b'{"data": {"amount": NaN}, "signature": "x"}',
    "Infinity": b'{"data": {"amount": -Infinity}, "signature": "x"}',
    "1e400": b'{"data": {"amount": 1e400}, "signature": "x"}',
    "a number of 5,000 digits": b'{"data": {"amount": ' + b"9" * 5000 + b'}, "signature": "x"}',
    "data that is a list": b'{"data": [], "signature": "x"}',
    "data that is null": b'{"data": null, "signature": "x"}',
    "no signature": b'{"data": {"a": 1}}',
    "a signature that is a number": b'{"data": {"a": 1}, "signature": 1}',
    "a signature that is a list": b'{"data": {"a": 1}, "signature": ["x"]}',
    "half a character in the signature": b'{"data": {"a": 1}, "signature": "\\ud800"}',
    "half a character in data": b'{"data": {"\\ud800": "\\udfff"}, "signature": "x"}',
    "NUL": b'{"data": {"\\u0000": "\\u0000"}, "signature": "\\u0000"}',
    "an object in data": b'{"data": {"a": {"b": 1}}, "signature": "x"}',
    "a list of numbers in data": b'{"data": {"a": [1]}, "signature": "x"}',
    "lists nested deeply": b"[" * DEEP,
    "objects nested deeply": b'{"data":' * 7_000,
    "deep nesting inside data": b'{"signature": "x", "data": {"a": [{"b": '
    + b"[" * DEEP
    + b"]" * DEEP
    + b"}]}}",
    "keys that say both": b'{"data": {}, "data": 7, "signature": "x", "signature": 7}',
}


async def test_a_hostile_body_is_always_refused_and_never_stored(
    payos: PayOS, database_url: str
) -> None:
    answers = {name: await payos.post(body) for name, body in HOSTILE.items()}
    statuses = {name: answer.status_code for name, answer in answers.items()}
    assert {name: status for name, status in statuses.items() if status not in (400, 401)} == {}
    kinds = {answer.headers["Content-Type"] for answer in answers.values()}
    assert kinds == {"application/problem+json"}
    assert await stored(database_url) == (0, 0)


async def test_a_body_above_64_kib_is_refused_with_and_without_its_length(
    payos: PayOS, database_url: str
) -> None:
    body = signed(transfer_data(999, description="x" * BYTES_MAX))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 5_000):
            yield body[start : start + 5_000]

    whole = await payos.post(body)
    chunked = await payos.post(chunks())
    assert (whole.status_code, chunked.status_code) == (413, 413)
    assert whole.json()["code"] == "body_too_large"
    assert await stored(database_url) == (0, 0)


async def test_a_body_of_64_kib_is_taken(payos: PayOS, database_url: str) -> None:
    body = signed(transfer_data(999)).ljust(BYTES_MAX)
    assert await payos.tell(body) == SUCCESS
    assert await stored(database_url) == (1, 1)


@pytest.mark.parametrize("service_settings", [{"request_body_seconds_max": 0.05}])
async def test_a_body_that_does_not_come_is_given_up(napvi: Napvi) -> None:
    head = f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: napvi\r\nContent-Length: 2\r\n\r\n{{"
    assert (await answer_to(napvi.url, head.encode())).startswith(b"HTTP/1.1 408 ")


async def test_only_the_signature_decides_and_not_the_content_type(
    payos: PayOS, database_url: str
) -> None:
    kinds = [
        "",
        "text/plain",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "no/;;=type",
    ]
    answers = [
        await payos.tell(signed(transfer_data(999)), **{"Content-Type": kind}) for kind in kinds
    ]
    assert answers == [SUCCESS] * len(kinds)
    assert await stored(database_url) == (len(kinds), len(kinds))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_the_webhook_is_told_by_post_only(napvi: Napvi, method: str) -> None:
    async with napvi.visitor() as visitor:
        answer = await visitor.request(method, WEBHOOK_PATH)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


async def test_a_webhook_to_the_whole_url_is_recorded(napvi: Napvi, database_url: str) -> None:
    body = signed(transfer_data(999))
    head = f"POST {napvi.url}{WEBHOOK_PATH} HTTP/1.1\r\nHost: localhost\r\n"
    request = f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
    assert (await answer_to(napvi.url, request)).startswith(b"HTTP/1.1 200")
    assert await stored(database_url) == (1, 1)


async def test_who_is_about_to_leave_takes_a_payment_and_ends_the_connection(
    napvi: Napvi, payos: PayOS, database_url: str
) -> None:
    answers = [await payos.post(signed(transfer_data(999)))]
    napvi.app.turn_away()
    answers.append(await payos.post(signed(transfer_data(999))))
    assert [(one.status_code, one.json()) for one in answers] == [SUCCESS] * 2
    assert [one.headers.get("Connection") for one in answers] == [None, "close"]
    assert await stored(database_url) == (2, 2)


async def test_who_learns_meanwhile_that_it_leaves_ends_the_connection(
    napvi: Napvi, payos: PayOS, topup: dict[str, Any], database_url: str
) -> None:
    body = signed(await data_for(database_url, topup))
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.topups FOR UPDATE")
        posting = asyncio.create_task(payos.post(body))
        await waiting_for_a_lock(other)
        napvi.app.turn_away()
    answer = await posting
    assert (answer.status_code, answer.headers["Connection"]) == (200, "close")


async def test_a_transfer_without_our_order_code_is_found_by_the_reference_in_its_text(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    text = f"MBVCB.123 {topup['tx_ref'].lower()} chuyen tien"
    assert await payos.tell(signed(transfer_data(999, description=text))) == SUCCESS
    _, tx_ref, data = await latest(database_url)
    assert (tx_ref, data["matched_by"]) == (topup["tx_ref"], "description")
    assert await payer.balance() == 50_000


async def test_the_reference_in_the_text_does_not_count_for_another_amount(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    data = transfer_data(999, 49_999, description=topup["tx_ref"])
    assert await payos.tell(signed(data)) == SUCCESS
    _, tx_ref, recorded = await latest(database_url)
    assert (tx_ref, recorded["unmatched"]) == (None, "order_code.unknown")
    assert await payer.balance() == 0


async def test_a_text_that_names_two_topups_goes_to_suspense(
    payos: PayOS, payer: Payer, database_url: str
) -> None:
    first, second = await payer.open(), await payer.open()
    text = f"{first['tx_ref']} {second['tx_ref']}"
    assert await payos.tell(signed(transfer_data(999, description=text))) == SUCCESS
    _, tx_ref, recorded = await latest(database_url)
    assert (tx_ref, recorded["unmatched"]) == (None, "description.ambiguous")


@pytest.mark.parametrize("swallows", ["paymentLinkId", "reference"])
async def test_a_body_cut_out_of_the_signed_text_of_another_moves_no_money(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str, swallows: str
) -> None:
    """The payer writes the description, and "&" is signed as it is (W13)."""
    forged = await data_for(database_url, topup, description="X", reference="FTFORGED")
    paid = forged | {"orderCode": 999, "paymentLinkId": "f" * 32, "reference": "FTPAID"}
    names = ["description", "orderCode", "paymentLinkId", "reference"]
    names = names[: names.index(swallows) + 1]
    paid["description"] = "&".join(f"{name}={forged[name]}" for name in names)[12:]
    tail = [f"{name}={paid[name]}" for name in names[1:]]
    forged[swallows] = "&".join([forged[swallows], *tail])
    forged |= {name: paid[name] for name in paid if name not in names}
    assert canonical(forged) == canonical(paid), "one signature fits both"

    signature = json.loads(signed(paid))["signature"]
    status, _ = await payos.tell(json.dumps({"data": forged, "signature": signature}).encode())
    assert status == 400
    assert await payer.balance() == 0
    assert await payos.tell(signed(paid)) == SUCCESS
    assert await payer.balance() == 0


async def test_twenty_copies_at_once_are_one_event_one_credit_and_twenty_times_200(
    payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    body = signed(await data_for(database_url, topup))
    assert await asyncio.gather(*(payos.tell(body) for _ in range(20))) == [SUCCESS] * 20
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, RECEIVED]
    assert await payer.balance() == 50_000


async def test_when_payos_hangs_up_the_payments_are_recorded_all_the_same_and_once(
    napvi: Napvi, payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    bodies = [signed(await data_for(database_url, topup, amount=10_000)) for _ in range(3)]
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.topups FOR UPDATE")
        committing = asyncio.create_task(payos.tell(bodies[0]))
        await waiting_for_a_lock(other)
        queued, patient = [asyncio.create_task(payos.tell(body)) for body in bodies[1:]]
        await eventually(lambda: napvi.line.under_way == 3)
        committing.cancel()  # httpx closes the socket
        queued.cancel()
        await asyncio.wait({committing, queued})
        assert napvi.line.under_way == 3
    assert await patient == SUCCESS
    assert await asyncio.gather(*(payos.tell(body) for body in bodies)) == [SUCCESS] * 3
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, *[RECEIVED] * 3]
    assert await payer.balance() == 30_000


async def test_webhooks_on_one_connection_of_http2_are_recorded_also_when_it_is_cut(
    napvi: Napvi, topup: dict[str, Any], database_url: str
) -> None:
    answered, cut = [signed(await data_for(database_url, topup, amount=10_000)) for _ in range(2)]
    async with http2(napvi.url) as payos:
        first = payos.post(WEBHOOK_PATH, answered)
        await eventually(lambda: first in payos.ended)
        assert payos.statuses[first] == b"200"
        async with connected(database_url) as other, other.transaction():
            await other.execute("SELECT FROM topup.topups FOR UPDATE")
            payos.post(WEBHOOK_PATH, cut)
            await waiting_for_a_lock(other)
            payos.leave()
    await eventually(lambda: napvi.line.under_way == 0)
    assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, *[RECEIVED] * 2]


async def waiting_for_a_lock(connection: Any) -> None:
    """Returns when some other connection of this database waits for a lock."""
    waiting = """SELECT FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()"""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await (await connection.execute(waiting)).fetchall():
            pass


@pytest.mark.parametrize(
    ("service_settings", "sqlstate"),
    [({"lock_timeout_seconds": 0.05}, "55P03"), ({"statement_timeout_seconds": 0.5}, "57014")],
)
@pytest.mark.parametrize(
    "lock", ["SELECT FROM topup.topups FOR UPDATE", "SELECT FROM topup.wallets FOR UPDATE"]
)
async def test_while_a_lock_stays_payos_is_told_to_come_again_and_nothing_is_half_recorded(
    payos: PayOS,
    payer: Payer,
    topup: dict[str, Any],
    database_url: str,
    lock: LiteralString,
    sqlstate: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    body = signed(await data_for(database_url, topup))
    before = await stored(database_url)
    async with connected(database_url) as other, other.transaction():
        await other.execute(lock)
        for _ in range(2):  # through the same connection
            answer = await payos.post(body)
            assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert await stored(database_url) == before
    assert f"event=database.failed sqlstate={sqlstate}" in caplog.text
    assert await payos.tell(body) == SUCCESS
    assert await payos.tell(body) == SUCCESS
    assert await payer.balance() == 50_000


@pytest.mark.parametrize("service_settings", [{"lock_timeout_seconds": 0.2}])
async def test_behind_a_locked_topup_the_payment_of_another_waits_but_is_not_refused(
    napvi: Napvi, payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    """They share a batch, for that of the locked one was under way when they came."""
    other_topup = await payer.open()
    bodies = [signed(await data_for(database_url, own)) for own in (topup, topup, other_topup)]
    async with connected(database_url) as other, other.transaction():
        await other.execute(
            "SELECT FROM topup.topups WHERE tx_ref = %s FOR UPDATE", (topup["tx_ref"],)
        )
        first = asyncio.create_task(payos.tell(bodies[0]))
        await waiting_for_a_lock(other)
        rest = [asyncio.create_task(payos.tell(body)) for body in bodies[1:]]
        statuses = [status for status, _ in await asyncio.gather(first, *rest)]
    assert statuses == [503, 503, 200]
    assert await payer.balance() == 50_000


async def test_without_the_database_payos_is_told_to_come_again_and_nothing_is_lost(
    database_url: str, cheap_hasher: None
) -> None:
    async with (
        Relay(database_url) as relay,
        running(relay.url, connect_timeout_seconds=2) as napvi,
        napvi.payer() as payer,
        napvi.visitor() as client,
    ):
        payos, topup = PayOS(client), await payer.open()
        body = signed(await data_for(database_url, topup))
        relay.refusing = True
        relay.cut()
        status, told = await payos.tell(body)
        assert (status, told["code"]) == (503, "database_unavailable")
        assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED]

        relay.refusing = False
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await payos.tell(body))[0] == 503:
                pass
        assert await payos.tell(body) == SUCCESS
        assert await events_of(database_url, topup["tx_ref"]) == [OPENED, LINKED, RECEIVED]
        assert await payer.balance() == 50_000


async def test_a_payment_that_the_database_cannot_take_is_kept_and_refused(
    napvi: Napvi, payos: PayOS, payer: Payer, topup: dict[str, Any], database_url: str
) -> None:
    """A wallet can hold 1,024 of the largest amounts; whoever is that rich needs a person."""
    await query(
        database_url,
        """INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
        SELECT gen_random_uuid(), %s, 2 + n, 'payment.received',
            jsonb_build_object('amount', 9007199254740991), clock_timestamp()
        FROM generate_series(1, 1024) AS n RETURNING 1""",
        topup["tx_ref"],
    )
    body = signed(await data_for(database_url, topup, amount=AMOUNT_MAX))
    status, told = await payos.tell(body)
    assert (status, told["code"]) == (400, "invalid_request")
    rejected = napvi.app.metrics.registry.get_sample_value(
        "napvi_webhooks_total", {"outcome": "rejected"}
    )
    assert rejected == 1
    kept = await query(database_url, "SELECT raw, fault FROM topup.payos_bodies")
    assert kept == [(body, "rejected with 22003")]
