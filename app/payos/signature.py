"""The signatures of PayOS: HMAC-SHA256, in hex, over a canonical text of a JSON object.

The sender behaves like Node, so where the official SDKs differ this follows the Node one: keys
that look like array indices come first, 50000.0 is printed as 50000, a lone surrogate is signed
as U+FFFD and inside an array as its escape.

The canonical text is not injective: null, "", "null" and "undefined" print alike, so do 3000 and
"3000", and text with "&" and "=" in it is not escaped. Whoever trusts a signature must check the
types and the shape of the object as well; app.payos.webhook does.
"""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Iterable, Mapping

from app.errors import InvalidRequest

CREATE_LINK_FIELDS = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")

PRINTED_AS_EMPTY = ("null", "undefined")
ARRAY_INDEX = re.compile("0|[1-9][0-9]{0,9}")
ARRAY_INDEX_MAX = 2**32 - 2
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def canonical(data: Mapping[str, object]) -> str:
    """`key=value&…` of the raw `data` object of a webhook or an answer.

    Raises InvalidRequest that names the key of a value without a defined text: a nested object,
    an array of anything but objects, a number that is not finite.
    """
    return "&".join(f"{key}={_text(key, data[key])}" for key in sorted(data, key=_node_order))


def sign(data: Mapping[str, object], key: str) -> str:
    """The signature of `data`, 64 lower-case hex digits. Raises InvalidRequest as `canonical`."""
    return _hmac(canonical(data), key)


def sign_create_link(request: Mapping[str, object], key: str) -> str:
    """The signature of a request for a payment link: five fields in a fixed order, no others."""
    return _hmac("&".join(f"{name}={request[name]}" for name in CREATE_LINK_FIELDS), key)


def verify(data: Mapping[str, object], signature: str, keys: Iterable[str]) -> int | None:
    """The position among `keys`, from 1, of the one that signed `data`; None: none of them.

    Tries every key, so the time does not tell which. Raises InvalidRequest as `canonical`.
    """
    text, given = canonical(data), _utf8(signature)
    matches = [hmac.compare_digest(_utf8(_hmac(text, key)), given) for key in keys]
    return matches.index(True) + 1 if any(matches) else None


def _hmac(text: str, key: str) -> str:
    return hmac.new(key.encode(), _utf8(text), hashlib.sha256).hexdigest()


def _utf8(text: str) -> bytes:
    return LONE_SURROGATE.sub("\ufffd", text).encode()


def _text(key: str, value: object) -> str:
    if isinstance(value, Mapping):
        raise _unsignable(key, "an object has no place here")
    if isinstance(value, list):
        elements = [_element(key, element) for element in value]
        listed = json.dumps(elements, separators=(",", ":"), ensure_ascii=False)
        return LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", listed)
    if value is None or value in PRINTED_AS_EMPTY:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(_as_in_javascript(key, value))


def _element(key: str, element: object) -> dict[str, object]:
    """An object inside an array, with only its first level of keys sorted."""
    if not isinstance(element, Mapping):
        raise _unsignable(key, "only objects may be listed here")
    return {
        name: _as_in_javascript(key, element[name]) for name in sorted(element, key=_node_order)
    }


def _as_in_javascript(key: str, value: object) -> object:
    """JavaScript has one kind of number: 50000.0 is 50000."""
    if not isinstance(value, float):
        return value
    if not math.isfinite(value):
        raise _unsignable(key, "a number must be finite")
    return int(value) if value.is_integer() else value


def _node_order(key: str) -> tuple[bool, int, bytes]:
    """The order of the keys of a JavaScript object whose keys were inserted sorted."""
    if ARRAY_INDEX.fullmatch(key) and int(key) <= ARRAY_INDEX_MAX:
        return (False, int(key), b"")
    return (True, 0, key.encode("utf-16-be", "surrogatepass"))


def _unsignable(key: str, fault: str) -> InvalidRequest:
    return InvalidRequest("This data cannot be signed.", {f"data.{key}": fault})
