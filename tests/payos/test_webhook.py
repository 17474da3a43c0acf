"""Reading a webhook: what becomes a fact, and what is refused with which problem."""

import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidRequest, InvalidSignature, Problem
from app.model import EventType
from app.payos.signature import canonical, readings, sign
from app.payos.transfer import event_id
from app.payos.webhook import SignedButInvalid, Webhook, read_webhook
from tests.payos.wire import CHECKSUM_KEY, CLIENT_ID, LINK_ID, TRANSFER, signed_body

VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text())["vectors"]
WEBHOOK_VECTORS = [vector for vector in VECTORS if vector["id"].startswith("W")]


def read(body: bytes, *keys: str) -> Webhook:
    return read_webhook(body, keys or (CHECKSUM_KEY,), CLIENT_ID)


def test_a_transfer_becomes_a_fact_without_the_payer() -> None:
    body = signed_body()
    webhook = read(body)
    assert not webhook.is_ping
    fact = webhook.fact
    assert fact.type is EventType.PAYMENT_RECEIVED
    assert fact.tx_ref is None
    assert fact.body == body
    assert fact.occurred_at == datetime(2025, 9, 7, 3, 11, 12, tzinfo=UTC)
    assert fact.occurred_at.utcoffset() == timedelta(0)
    assert fact.data == {
        "channel": CLIENT_ID,
        "order_code": 1726000001,
        "payment_link_id": LINK_ID,
        "reference": "FT25250123456789",
        "amount": 50_000,
        "currency": "VND",
        "code": "00",
        "account_number": "0123456789",
        "transaction_at": "2025-09-07T10:11:12+07:00",
        "body_sha256": hashlib.sha256(body).hexdigest(),
        "description_tx_refs": ["T1234ABCD"],
    }


@pytest.mark.parametrize("vector", WEBHOOK_VECTORS, ids=lambda vector: str(vector["id"]))
def test_every_webhook_vector_becomes_a_fact(vector: dict[str, Any]) -> None:
    body = json.dumps({"data": vector["data"], "signature": vector["signature"]}).encode()
    webhook = read(body, vector["key"])
    assert webhook.fact.data["amount"] == vector["data"]["amount"]
    assert webhook.fact.data["order_code"] == vector["data"]["orderCode"]
    assert webhook.is_ping == (vector["id"] == "W1")


def test_the_event_id_is_that_of_channel_link_and_reference() -> None:
    fact = read(signed_body()).fact
    assert fact.event_id == event_id(CLIENT_ID, LINK_ID, "FT25250123456789")
    # Stored in the log of every installation: this value may never change.
    assert fact.event_id == UUID("ae11a9c4-d738-508e-abd8-615fc6210060")


def test_the_event_id_tells_channel_link_and_reference_apart() -> None:
    known = event_id("a", LINK_ID, "b")
    assert known == event_id("a", LINK_ID, "b")
    assert known != event_id("A", LINK_ID, "b")
    assert known != event_id("a", LINK_ID[::-1], "b")
    assert known != event_id("a", LINK_ID, "b ")


def test_a_field_filled_in_later_leaves_the_event_id() -> None:
    early, late = signed_body(counterAccountName=None), signed_body(counterAccountName="LÊ VĂN A")
    assert read(early).fact.event_id == read(late).fact.event_id


def test_what_surrounds_the_signed_data_changes_nothing() -> None:
    envelope = json.loads(signed_body())
    envelope.update(code="99", desc="failed", success=False, extra={"a": [1]})
    fact = read(json.dumps(envelope).encode()).fact
    assert fact.type is EventType.PAYMENT_RECEIVED
    assert fact.event_id == read(signed_body()).fact.event_id


def test_a_failure_is_a_fact_of_its_own_and_a_later_success_counts() -> None:
    failure, success = read(signed_body(code="01")).fact, read(signed_body()).fact
    assert failure.type is EventType.PAYMENT_FAILED
    assert failure.data["code"] == "01"
    assert failure.event_id != success.event_id
    assert failure.event_id != read(signed_body(code="02")).fact.event_id


@pytest.mark.parametrize("blank", ["", " ", "\t\u00a0", None, "null", "undefined"])
def test_a_transfer_without_reference_is_parked_once(blank: str | None) -> None:
    fact = read(signed_body(reference=blank)).fact
    assert fact.type is EventType.PAYMENT_RECEIVED
    assert fact.data["unmatchable"] == "reference.missing"
    assert fact.event_id == read(signed_body(reference=blank)).fact.event_id
    assert fact.event_id != read(signed_body(reference=blank, amount=7)).fact.event_id


def test_a_replay_in_another_wrapping_is_the_same_transfer_without_reference() -> None:
    body = signed_body(reference="")
    rewrapped = json.loads(body)
    rewrapped["data"]["reference"] = "null"  # the signature cannot tell
    assert read(json.dumps(rewrapped, indent=1).encode()).fact.event_id == read(body).fact.event_id


def test_a_nul_in_the_reference_is_stored_as_its_replacement() -> None:
    fact = read(signed_body(reference="FT\0 1")).fact
    assert fact.data["reference"] == "FT\ufffd 1"
    assert fact.event_id == event_id(CLIENT_ID, LINK_ID, "FT\0 1")


def test_the_ping_of_confirm_webhook_is_told_from_money() -> None:
    assert read(signed_body(orderCode=123, reference="TF230204212323")).is_ping
    assert not read(signed_body(orderCode=123)).is_ping
    assert not read(signed_body(reference="TF230204212323")).is_ping


def test_a_ping_without_the_right_signature_is_refused() -> None:
    body = signed_body(orderCode=123, reference="TF230204212323")
    with pytest.raises(InvalidSignature):
        read(body, "1a54716c8f0efb2744fb28b6e38b25da7f67a925d98bc1c18bd8faaecadd7675")


def test_both_keys_of_a_rotation_are_accepted() -> None:
    rotating, before = read(signed_body(), "new", CHECKSUM_KEY), read(signed_body(), CHECKSUM_KEY)
    assert rotating.fact == before.fact
    assert (rotating.signed_by, before.signed_by) == (2, 1)
    with pytest.raises(InvalidSignature):
        read(signed_body(), "new")


@pytest.mark.parametrize("field", ["accountNumber", "currency", "description", "desc"])
def test_a_field_we_can_do_without_may_be_absent_or_null(field: str) -> None:
    data = json.loads(signed_body())["data"]
    del data[field]
    assert read(signed_body(data)).fact.data["amount"] == 50_000
    assert read(signed_body(**{field: None})).fact.data["amount"] == 50_000


@pytest.mark.parametrize(
    "when", ["", "yesterday", "0001-01-01 00:00:00", "9999-12-31T23:59:59Z", "2025-02-30 00:00:00"]
)
def test_an_unreadable_time_is_left_out(when: str) -> None:
    before = datetime.now(UTC)
    fact = read(signed_body(transactionDateTime=when)).fact
    assert fact.data["transaction_at"] is None
    assert before <= fact.occurred_at <= datetime.now(UTC)


def test_a_time_with_an_offset_is_read_as_it_says() -> None:
    fact = read(signed_body(transactionDateTime="2025-12-12T02:00:00Z")).fact
    assert fact.data["transaction_at"] == "2025-12-12T09:00:00+07:00"


@pytest.mark.parametrize(
    ("description", "found"),
    [
        ("CSED51ZGP85 T1234ABCD", ["T1234ABCD"]),
        ("csed51zgp85 t1234abcd", ["T1234ABCD"]),
        ("TTTTTTTTTTT", ["TTTTTTTTT"]),
        ("CSED51ZGPT1234ABCDT567", ["T1234ABCD"]),
        ("T123T1234ABCD", ["T123T1234", "T1234ABCD"]),
        ("T1234ABC", []),
        ("T1234ABCI", []),
        ("đ", []),
    ],
)
def test_every_tx_ref_in_a_description_is_found(description: str, found: list[str]) -> None:
    fact = read(signed_body(description=description)).fact
    assert fact.data["description_tx_refs"] == found


def test_at_most_sixteen_tx_refs_are_taken_from_a_description() -> None:
    many = " ".join(f"T{number:08}" for number in range(40))
    found = read(signed_body(description=many)).fact.data["description_tx_refs"]
    assert found == [f"T{number:08}" for number in range(16)]


def test_text_of_the_payer_that_looks_like_a_field_is_only_text() -> None:
    fact = read(signed_body(description="X&orderCode=777&paymentLinkId=P")).fact
    assert fact.data["order_code"] == 1726000001


def honest_and_forged(**absorber: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Two objects with one signature: the payer wrote a second order into the description."""
    tail = f"orderCode=123&paymentLinkId={LINK_ID}&reference=FT1"
    name, prefix = next(iter(absorber.items()))
    honest = {
        "amount": 50_000,
        "code": "00",
        "description": f"X&orderCode=777&paymentLinkId={'b' * 32}&reference=FT9&{name}={prefix}",
        "orderCode": 123,
        "paymentLinkId": LINK_ID,
        "reference": "FT1",
    }
    forged = {
        "amount": 50_000,
        "code": "00",
        "description": "X",
        "orderCode": 777,
        "paymentLinkId": "b" * 32,
        "reference": "FT9",
        name: f"{prefix}&{tail}",
    }
    return honest, forged


def test_two_readings_of_one_signature_the_link_id_cannot_hide_the_rest() -> None:
    rest = f"P&orderCode=123&paymentLinkId={LINK_ID}"
    honest = {
        "amount": 1,
        "code": "00",
        "description": "X&orderCode=777&paymentLinkId=P",
        "orderCode": 123,
        "paymentLinkId": LINK_ID,
        "reference": "FT1",
    }
    forged = {**honest, "description": "X", "orderCode": 777, "paymentLinkId": rest}
    assert canonical(honest) == canonical(forged)
    assert sign(honest, CHECKSUM_KEY) == sign(forged, CHECKSUM_KEY)
    assert read(signed_body(honest)).fact.data["order_code"] == 123
    with pytest.raises(SignedButInvalid):
        read(signed_body(forged))


def test_two_readings_of_one_signature_an_unknown_field_cannot_hide_the_rest() -> None:
    honest, forged = honest_and_forged(s="")
    assert canonical(honest) == canonical(forged)
    assert read(signed_body(honest)).fact.data["order_code"] == 123
    with pytest.raises(SignedButInvalid) as refusal:
        read(signed_body(forged))
    assert "data.orderCode" in refusal.value.fields


def test_two_readings_of_one_signature_the_payer_cannot_write_an_amount() -> None:
    """The true amount and code hide in the account number, which comes before them."""
    honest = {**TRANSFER, "amount": 2_000, "description": "X&amount=90000000&code=00"}
    before, after = canonical(honest).split("&amount=90000000&code=00&")
    rest = dict(pair.split("=", 1) for pair in after.split("&"))
    forged = rest | {
        "accountNumber": before.removeprefix("accountNumber="),
        "amount": 90_000_000,
        "code": "00",
        "orderCode": honest["orderCode"],
    }
    assert canonical(honest) == canonical(forged)
    assert read(signed_body(honest)).fact.data["amount"] == 2_000
    with pytest.raises(SignedButInvalid):
        read(signed_body(forged))


def test_two_readings_of_one_signature_a_key_cannot_hide_the_rest() -> None:
    honest, forged = honest_and_forged(s="")
    forged[f"s=&orderCode=123&paymentLinkId={LINK_ID}&reference"] = "FT1"
    del forged["s"]
    assert canonical(honest) == canonical(forged)
    with pytest.raises(SignedButInvalid):
        read(signed_body(forged))


WRONG_FIELDS = {
    "order code true": ("orderCode", True),
    "order code text": ("orderCode", "1726000001"),
    "order code zero": ("orderCode", 0),
    "order code beyond javascript": ("orderCode", 2**53),
    "order code null": ("orderCode", None),
    "amount true": ("amount", True),
    "amount text": ("amount", "3000"),
    "amount text with spaces": ("amount", " 3000 "),
    "amount text with underscore": ("amount", "3_000"),
    "amount zero": ("amount", 0),
    "amount negative": ("amount", -50_000),
    "amount beyond javascript": ("amount", 2**53),
    "amount fraction": ("amount", 0.5),
    "amount float": ("amount", 50_000.0),
    "amount null": ("amount", None),
    "link id short": ("paymentLinkId", "aa11"),
    "link id upper case": ("paymentLinkId", LINK_ID.upper()),
    "link id with newline": ("paymentLinkId", LINK_ID + "\n"),
    "link id number": ("paymentLinkId", 1),
    "reference number": ("reference", 970422),
    "reference half a pair": ("reference", "FT\ud800"),
    "code number": ("code", 0),
    "code empty": ("code", ""),
    "code null": ("code", None),
    "currency foreign": ("currency", "USD"),
    "currency number": ("currency", 704),
}


@pytest.mark.parametrize(("field", "value"), WRONG_FIELDS.values(), ids=WRONG_FIELDS.keys())
def test_signed_data_of_the_wrong_kind_is_named_and_not_lost(field: str, value: object) -> None:
    with pytest.raises(SignedButInvalid) as refusal:
        read(signed_body({**TRANSFER, field: value}))
    assert refusal.value.http_status == 400
    assert list(refusal.value.fields) == [f"data.{field}"]


def test_an_odd_value_that_carries_no_money_holds_up_none() -> None:
    """PayOS allows 25 characters of description, and JavaScript cuts an emoji in two."""
    odd = {"accountNumber": "1\0\ud800", "description": "T1234ABCD\0 \ud83d"}
    fact = read(signed_body({**TRANSFER, **odd, "transactionDateTime": "\0\ud800"})).fact
    assert fact.data["account_number"] == "1\ufffd\ufffd"
    assert fact.data["description_tx_refs"] == ["T1234ABCD"]
    assert fact.event_id == read(signed_body()).fact.event_id


@pytest.mark.parametrize("value", [901234567890, 0.5, True, [], [{"a": 1}], {"text": "FT1"}])
def test_a_value_of_another_type_that_carries_no_money_is_left_out(value: object) -> None:
    odd = dict.fromkeys(["accountNumber", "description", "transactionDateTime"], value)
    fact = read(signed_body({**TRANSFER, **odd})).fact
    assert (
        fact.data
        | {
            "account_number": "",
            "description_tx_refs": [],
            "transaction_at": None,
        }
        == fact.data
    )
    assert (fact.data["amount"], fact.event_id) == (50_000, read(signed_body()).fact.event_id)


NEW_FIELDS = {
    "object": {"rate": 0.5, "bank": {"name": "đ"}},
    "list of scalars": ["a", 1, None],
    "list of lists": [[1], []],
}


@pytest.mark.parametrize("value", NEW_FIELDS.values(), ids=NEW_FIELDS.keys())
@pytest.mark.parametrize("way", [0, 1, 2, 3])
def test_a_new_field_of_any_kind_does_no_harm_in_whatever_way_it_is_signed(
    value: object, way: int
) -> None:
    body = signed_in_way(way, {**TRANSFER, "new": value})
    fact = read(body, "another key", CHECKSUM_KEY).fact
    assert (fact.type, fact.data["amount"]) == (EventType.PAYMENT_RECEIVED, 50_000)
    assert fact.event_id == read(signed_body()).fact.event_id
    with pytest.raises(InvalidSignature):
        read(body, "another key")
    with pytest.raises(InvalidSignature):
        read(body.replace(b"50000", b"90000"))


@pytest.mark.parametrize("field", ["amount", "code", "currency", "reference"])
@pytest.mark.parametrize("way", [0, 1, 2, 3])
def test_an_object_where_a_field_of_the_money_should_be_is_named_and_not_lost(
    field: str, way: int
) -> None:
    with pytest.raises(SignedButInvalid) as refusal:
        read(signed_in_way(way, {**TRANSFER, field: {"text": "FT1"}}))
    assert list(refusal.value.fields) == [f"data.{field}"]


def test_a_new_field_that_is_nested_too_deeply_is_not_lost() -> None:
    """Python 3.11 cannot print what is nested so deeply, 3.12 can."""
    flat = signed_body(new="[object Object]")
    deep = json.dumps({"a": "DEEP"}).encode().replace(b'"DEEP"', b"[" * 600 + b"]" * 600)
    try:
        fact = read(flat.replace(b'"[object Object]"', deep)).fact
    except SignedButInvalid as kept:
        assert kept.signed_by == 1
    else:
        assert fact.event_id == read(flat).fact.event_id


def test_two_readings_of_one_signature_an_object_cannot_hide_the_rest() -> None:
    honest, forged = honest_and_forged(s='{"a":"')
    honest["virtualAccountName"], forged["s"] = '"}', {"a": forged["s"].removeprefix('{"a":"')}
    forged["s"]["a"] += "&virtualAccountName="
    assert canonical(honest) in readings(forged)
    assert read(signed_body(honest)).fact.data["order_code"] == 123
    with pytest.raises(SignedButInvalid):
        read(signed_as(canonical(honest), forged))


@pytest.mark.parametrize(
    "value",
    [["x" * 3_000], [{"a": 1}] * 2_000, {"x" * 3_000: 1}, [[{"a": ["x" * 3_000]}]], [0] * 3_000],
    ids=["text", "objects", "key", "deep", "numbers"],
)
def test_what_would_take_long_to_print_is_refused_unprinted(
    value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Node prints a key for each character of a text in a list, and anybody may send one."""
    body = signed_body({**TRANSFER, "new": value})
    monkeypatch.setattr("app.payos.webhook.verify", lambda *_: pytest.fail("it was printed"))
    with pytest.raises(InvalidRequest) as refusal:
        read(body)
    assert list(refusal.value.fields) == ["data"]


def test_a_long_text_that_is_not_nested_is_no_trouble() -> None:
    read(signed_body({**TRANSFER, "new": "x" * 60_000, "list": ["x" * 1_900]}))


def signed_in_way(way: int, data: dict[str, Any]) -> bytes:
    """Way 0 is that of Node."""
    return signed_as(list(readings(data))[way], data)


def signed_as(text: str, data: dict[str, Any]) -> bytes:
    signature = hmac.new(CHECKSUM_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    return json.dumps({"data": data, "signature": signature}).encode()


def test_snake_case_keys_are_not_a_transfer() -> None:
    with pytest.raises(SignedButInvalid):
        read(signed_body({"order_code": 7, "amount": 3000, "payment_link_id": LINK_ID}))


def test_duplicate_json_keys_count_as_the_last_one_as_in_javascript() -> None:
    body = signed_body().replace(b'"amount": 50000', b'"amount": 1, "amount": 50000')
    assert read(body).fact.data["amount"] == 50_000
    with pytest.raises(InvalidSignature):
        read(signed_body().replace(b'"amount": 50000', b'"amount": 50000, "amount": 90000'))


NOT_A_WEBHOOK = {
    "empty": b"",
    "empty object": b"{}",
    "byte order mark": b"\xef\xbb\xbf{}",
    "list": b"[]",
    "string": b'"text"',
    "number": b"3000",
    "null": b"null",
    "invalid utf-8": b'{"data": "\xff"}',
    "utf-16": '{"data": {}}'.encode("utf-16"),
    "nested lists": b"[" * 200_000,
    "nested objects": b'{"a":' * 200_000,
    "nested data": b'{"data":{"a":' + b"[" * 60_000,
    "closed nesting": b'{"signature":"","data":{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
    "endless integer": b'{"data": {"amount": ' + b"9" * 5_000 + b'}, "signature": ""}',
    "data a list": b'{"data": [], "signature": ""}',
    "data null": b'{"data": null, "signature": ""}',
    "signature null": b'{"data": {}, "signature": null}',
    "signature a number": b'{"data": {}, "signature": 5}',
    "signature absent": b'{"data": {}}',
}


@pytest.mark.parametrize("body", NOT_A_WEBHOOK.values(), ids=NOT_A_WEBHOOK.keys())
def test_a_body_that_is_no_webhook_is_a_bad_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        read(body)
    assert not isinstance(refusal.value, SignedButInvalid)


BADLY_SIGNED = {
    "empty": '""',
    "not hexadecimal": '"not a signature"',
    "not ascii": '"đđđ"',
    "half a surrogate pair": '"\\ud800"',
    "nul": '"\\u0000"',
    "all zeros": f'"{"0" * 64}"',
}


@pytest.mark.parametrize("signature", BADLY_SIGNED.values(), ids=BADLY_SIGNED.keys())
def test_a_body_with_another_signature_is_not_from_payos(signature: str) -> None:
    genuine = json.dumps(json.loads(signed_body())["signature"])
    body = signed_body().decode().replace(genuine, signature)
    with pytest.raises(InvalidSignature):
        read(body.encode())


ODD_VALUES = [b"NaN", b"-Infinity", b"1e400", b'{"b": 1}', b"[[1]]", b"[null, 1]"]


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_an_odd_value_that_nobody_signed_is_not_from_payos(value: bytes) -> None:
    with pytest.raises(InvalidSignature):
        read(b'{"data": {"amount": %b}, "signature": ""}' % value)
    with pytest.raises(InvalidSignature):
        read(signed_body().replace(b"50000", value))


def test_the_signature_in_upper_case_is_refused_as_by_the_sdk() -> None:
    envelope = json.loads(signed_body())
    envelope["signature"] = envelope["signature"].upper()
    with pytest.raises(InvalidSignature):
        read(json.dumps(envelope).encode())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KNOWN_FIELDS = st.sampled_from([*TRANSFER])
PLAIN_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())


def accepts_or_complains(body: bytes) -> Webhook | None:
    """Anything but a Problem escapes and fails the test."""
    try:
        return read(body)
    except Problem:
        return None


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_problem(body: bytes) -> None:
    assert accepts_or_complains(body) is None


@given(JSON_VALUES, JSON_VALUES)
def test_any_unsigned_json_ends_in_a_problem(data: object, signature: object) -> None:
    body = json.dumps({"data": data, "signature": signature}).encode()
    assert accepts_or_complains(body) is None


@given(st.dictionaries(KNOWN_FIELDS, PLAIN_VALUES, max_size=4))
def test_any_signed_data_ends_in_a_fact_or_a_problem(fields: dict[str, Any]) -> None:
    try:
        body = signed_body(**fields)
    except Problem:
        return
    webhook = accepts_or_complains(body)
    if webhook is not None:
        stored = json.dumps(webhook.fact.data, ensure_ascii=False)
        assert stored.encode()
        assert "\\u0000" not in stored
        assert webhook.fact.data["amount"] > 0


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60))
def test_whatever_the_payer_writes_the_order_stays_the_order(description: str) -> None:
    fact = read(signed_body(description=description)).fact
    assert fact.data["order_code"] == 1726000001
    assert fact.data["payment_link_id"] == LINK_ID
    assert fact.data["amount"] == 50_000


@pytest.mark.parametrize("body", [b"{bad", b"\xff", b"[]", b"[" * 200_000])
def test_a_body_that_is_no_webhook_is_named(body: bytes) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read_webhook(body, ["key"], "channel")
    assert set(refused.value.fields) == {"body"}
