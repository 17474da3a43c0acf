"""Reads a webhook of PayOS: from the bytes of a request to one fact for the log.

The signature comes first and covers `data` only: the code, desc and success around it are not
signed and not read. A field that PayOS adds or leaves out does no harm. A body that is validly
signed and still makes no sense raises SignedButInvalid, so that nobody throws it away.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from app.errors import InvalidRequest, InvalidSignature
from app.model import Fact
from app.payos.fields import currency, fault, payment_link_id, required_text, whole
from app.payos.ping import is_ping
from app.payos.signature import canonical, readings, verify
from app.payos.transfer import Transfer, event_id, is_blank

TOO_DEEP = MappingProxyType({"body": "must not be nested this deeply"})
TOO_MUCH = MappingProxyType({"data": "must not hold this much in lists and objects"})
NESTED_MAX = 2_000  # elements and characters in lists and objects; all that is known is flat
MONEY_FIELDS = ("orderCode", "paymentLinkId", "reference", "amount", "code", "currency")


class SignedButInvalid(InvalidRequest):
    """Signed by PayOS, yet not a transfer as we know it: keep the raw body, then answer 400.

    `signed_by` is the position of the key, 1 the first.
    """

    def __init__(self, problem: InvalidRequest, signed_by: int) -> None:
        super().__init__(problem.detail, problem.fields)
        self.signed_by = signed_by


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook that may be believed. `is_ping`: the sample of confirm-webhook, not money.

    `signed_by` is the position of the key, 1 the first.
    """

    fact: Fact
    is_ping: bool
    signed_by: int


def read_webhook(body: bytes, keys: Sequence[str], channel: str) -> Webhook:
    """The fact in `body`, signed with one of `keys`; `channel` is our PayOS client id.

    Raises InvalidRequest (not a webhook), InvalidSignature (not from PayOS), SignedButInvalid
    (from PayOS, but not understood), and nothing else, whatever the bytes.
    """
    too_deep = InvalidRequest("The body is nested too deeply.", TOO_DEEP)
    try:
        data, signed_by = _signed_data(body, keys)
    except RecursionError:
        raise too_deep from None
    try:
        fact = _fact(data, body, channel)
    except InvalidRequest as problem:
        raise SignedButInvalid(problem, signed_by) from None
    except RecursionError:
        raise SignedButInvalid(too_deep, signed_by) from None
    return Webhook(fact, is_ping(data), signed_by)


def _signed_data(body: bytes, keys: Sequence[str]) -> tuple[dict[str, Any], int]:
    """The `data` object of a body and the position of the key that signed it."""
    try:
        envelope = json.loads(body.decode())
    except ValueError:
        named = {"body": "must be JSON in UTF-8"}
        raise InvalidRequest("The body is not JSON in UTF-8.", named) from None
    if not isinstance(envelope, dict):
        raise InvalidRequest("The body is not a JSON object.", {"body": "must be an object"})
    data, signature = envelope.get("data"), envelope.get("signature")
    if not isinstance(data, dict):
        raise InvalidRequest("There is no signed data.", {"data": "must be an object"})
    if not isinstance(signature, str):
        raise InvalidRequest("There is no signature.", {"signature": "must be a string"})
    if _is_heavy(data):
        raise InvalidRequest("The data holds too much in lists and objects.", TOO_MUCH)
    signed_by = verify(data, signature, keys)
    if signed_by is None:
        raise InvalidSignature
    return data, signed_by


def _is_heavy(data: dict[str, Any]) -> bool:
    """Whether to print its lists and objects would hold up everybody: for a list, Node makes an
    object of each text in it, with a key for each character. And anybody may send it."""
    inside: list[object] = [value for value in data.values() if isinstance(value, dict | list)]
    weight = 0
    while inside and weight <= NESTED_MAX:
        value = inside.pop()
        if isinstance(value, dict):
            inside += [*value, *value.values()]
        elif isinstance(value, list):
            inside += value
        weight += len(value) if isinstance(value, str | dict | list) else 0
    return weight > NESTED_MAX


def _fact(data: dict[str, Any], body: bytes, channel: str) -> Fact:
    """The money facts of signed data; without a reference the data identify themselves."""
    _refuse_second_reading(data)
    order_code, link_id = whole(data, "orderCode"), payment_link_id(data, "paymentLinkId")
    code = required_text(data, "code")
    transfer = replace(
        Transfer.read(data, order_code, link_id, code), currency=currency(data, "currency")
    )
    body_sha256 = hashlib.sha256(body).hexdigest()
    if not is_blank(transfer.reference):
        return transfer.fact(channel, body, body_sha256=body_sha256)
    fact = transfer.fact(channel, body, body_sha256=body_sha256, unmatchable="reference.missing")
    signed = canonical(data).encode(errors="replace")
    return replace(fact, event_id=event_id(hashlib.sha256(signed).hexdigest()))


def _refuse_second_reading(data: dict[str, Any]) -> None:
    """Raises InvalidRequest where the signed text could be cut into another transfer.

    "&" is not escaped and the payer writes the description, so the signature of
    {description: "X&orderCode=7&…"} also fits {description: "X", orderCode: 7, …}. The real
    fields then lie in some other value or key: there, and nowhere else, they come twice.
    """
    for reading in readings({key: data[key] for key in data if key != "description"}):
        for name in MONEY_FIELDS:
            if f"&{reading}".count(f"&{name}=") > 1:
                raise fault(name, "can be read in two ways")
