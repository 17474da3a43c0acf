"""What the official SDKs sign, our verifier accepts, over generated payloads.

The sender of webhooks behaves like Node, so there the text that is signed must be equal byte for
byte. Where the SDKs differ, a test says so: it fails when one of them changes.
"""

from importlib.metadata import version
from typing import Any

import pytest
from payos._crypto import CryptoProvider

from app.payos.signature import canonical, sign, sign_create_link, verify
from tests.payos.conformance.node import NodeSdk
from tests.payos.conformance.payloads import PROTO, drawn, payloads
from tests.payos.test_signature import VECTORS
from tests.payos.wire import CHECKSUM_KEY, TRANSFER, signed_body

PAYLOADS = 400
KEYS = ("another key", CHECKSUM_KEY)


def by_python(data: dict[str, Any]) -> str | None:
    signature: str | None = CryptoProvider().create_signature_from_object(data, CHECKSUM_KEY)
    return signature


def by_node(node: NodeSdk, data: dict[str, Any]) -> str:
    [signed] = node.sign([data], CHECKSUM_KEY)
    return signed["signature"]


def test_the_sdks_are_those_that_were_examined(node: NodeSdk) -> None:
    """With another one, read again what is called here and in app.payos: how it retries, what
    escapes from it, which data it signs and checks, and the text that it signs."""
    assert version("payos") == "1.1.0"
    assert node.ask({"ask": "version"}) == [{"ok": "2.0.5"}]


def test_what_node_signs_is_accepted_and_is_the_same_text(node: NodeSdk) -> None:
    generated = drawn(payloads(node_only=True), PAYLOADS)
    assert len(generated) > PAYLOADS / 2
    for data, signed in zip(generated, node.sign(generated, CHECKSUM_KEY), strict=True):
        assert verify(data, signed["signature"], KEYS) == 2, data
        assert _utf8(canonical(data)) == _utf8(signed["canonical"]), data


def test_what_python_signs_is_accepted_and_node_signs_the_same(node: NodeSdk) -> None:
    generated = drawn(payloads(node_only=False), PAYLOADS)
    assert len(generated) > PAYLOADS / 2
    for data, signed in zip(generated, node.sign(generated, CHECKSUM_KEY), strict=True):
        assert verify(data, str(by_python(data)), KEYS) == 2, data
        assert by_python(data) == signed["signature"], data


def test_what_we_sign_is_accepted_by_node_as_a_webhook(node: NodeSdk) -> None:
    bodies = [
        signed_body(),
        signed_body(description="X&orderCode=7 Tiền \u0301"),
        signed_body(fee=1),
    ]
    questions = [{"ask": "verify", "key": CHECKSUM_KEY, "body": body.decode()} for body in bodies]
    [first, *others] = node.ask(*questions)
    assert first == {"ok": TRANSFER}
    assert all("ok" in other for other in others)
    [refused] = node.ask({**questions[0], "key": "another key"})
    assert "ok" not in refused


def test_both_sdks_have_every_signature_of_the_vectors(node: NodeSdk) -> None:
    requests = [vector["id"].startswith("C") for vector in VECTORS]
    questions = [
        {"ask": "signRequest" if is_request else "sign"}
        | {name: vector[name] for name in ("key", "data")}
        for vector, is_request in zip(VECTORS, requests, strict=True)
    ]
    answers = node.ask(*questions)
    for vector, is_request, answer in zip(VECTORS, requests, answers, strict=True):
        signature = answer["ok"] if is_request else answer["ok"]["signature"]
        assert signature == vector["signature"], vector["id"]
        ours = sign_create_link if is_request else sign
        assert ours(vector["data"], vector["key"]) == signature


@pytest.mark.parametrize(
    "data",
    [{"amount": 50_000.0}, {"transactions": [{"amount": 50_000.0}]}, {"b": 1, "10": 2, "9": 3},
     {"\uffee": 1, "😀": 2}, {"fee": {"b": 1}}, {"fees": ["ab", 1]}],
    ids=["a float", "a float in a list", "keys like indices", "keys outside the basic plane",
         "an object", "a list of scalars"],
)  # fmt: skip
def test_where_the_sdks_sign_differently_we_follow_node(
    node: NodeSdk, data: dict[str, Any]
) -> None:
    assert by_node(node, data) != by_python(data)
    assert sign(data, CHECKSUM_KEY) == by_node(node, data)


@pytest.mark.parametrize("odd", [{}, {"b": True, "a": ["đ"]}, ["ab", 1, None]], ids=repr)
def test_what_python_signs_of_something_nested_is_accepted_as_well(odd: object) -> None:
    data = {"amount": 1, "odd": odd}
    assert verify(data, str(by_python(data)), KEYS) == 2


def test_half_a_surrogate_pair_is_signed_by_node_and_us_and_breaks_python(node: NodeSdk) -> None:
    data = {"description": "x\ud800", "transactions": [{"description": "\udfff"}]}
    assert sign(data, CHECKSUM_KEY) == by_node(node, data)
    with pytest.raises(UnicodeEncodeError):
        by_python(data)


def test_a_key_that_node_leaves_out_is_signed_by_us_so_nothing_unsigned_is_accepted(
    node: NodeSdk,
) -> None:
    data = {PROTO: "unsigned", "amount": 1}
    assert by_node(node, data) == sign({"amount": 1}, CHECKSUM_KEY)
    assert verify(data, by_node(node, data), KEYS) is None


def _utf8(text: str) -> bytes:
    """As a digest takes it: half a surrogate pair is U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()
