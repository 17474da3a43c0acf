"""The signatures of PayOS: HMAC-SHA256, in hex, over a canonical text of a JSON object.

The sender behaves like Node, so where the official SDKs differ this follows the Node one: keys
that look like array indices come first, 50000.0 is printed as 50000, a lone surrogate is signed
as U+FFFD and inside an array as its escape. An object inside has no text that everybody agrees
on, nor has a list of anything but objects: PayOS may begin to send one any day, so what is signed
may be signed in any of the known ways. We sign in Node's.

The canonical text is not injective: null, "", "null" and "undefined" print alike, so do 3000 and
"3000", and text with "&" and "=" in it is not escaped; Node's tells nothing of what is in an
object. Whoever trusts a signature must check the types and the shape of what is used as well;
app.payos.webhook does.
"""

import hmac
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal

CREATE_LINK_FIELDS = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")

NESTED = (dict, list)
"""What JSON has that is no text of its own. A tuple: unions and abstract classes are looked up six
times as slowly, for each value of each webhook."""

PRINTED_AS_EMPTY = ("null", "undefined")
ARRAY_INDEX = re.compile("0|[1-9][0-9]{0,9}")
ARRAY_INDEX_MAX = 2**32 - 2
LONE_SURROGATE = re.compile("[\ud800-\udfff]")


def canonical(data: Mapping[str, object]) -> str:
    """`key=value&…` of the raw `data` object of a webhook or an answer, as Node prints it."""
    return _joined(data, _nested_in_node)


def readings(data: Mapping[str, object]) -> Iterator[str]:
    """Every text of `data` that may have been signed; Node's is the first."""
    yield canonical(data)
    if any(isinstance(value, NESTED) for value in data.values()):
        for nested in (_json, _sorted_json, _nested_in_python):
            yield _joined(data, nested)


def sign(data: Mapping[str, object], key: str) -> str:
    """The signature of `data`, 64 lower-case hex digits."""
    return _hmac(canonical(data), key)


def sign_create_link(request: Mapping[str, object], key: str) -> str:
    """The signature of a request for a payment link: five fields in a fixed order, no others."""
    return _hmac("&".join(f"{name}={request[name]}" for name in CREATE_LINK_FIELDS), key)


def verify(data: Mapping[str, object], signature: str, keys: Iterable[str]) -> int | None:
    """The position among `keys`, from 1, of the one that signed `data`; None: none of them.

    Tries every key, so the time does not tell which.
    """
    tried, given = tuple(keys), _utf8(signature)
    for text in readings(data):
        matches = [hmac.compare_digest(_utf8(_hmac(text, key)), given) for key in tried]
        if any(matches):
            return matches.index(True) + 1
    return None


def _hmac(text: str, key: str) -> str:
    return hmac.digest(key.encode(), _utf8(text), "sha256").hex()


def _utf8(text: str) -> bytes:
    return LONE_SURROGATE.sub("\ufffd", text).encode()


def _joined(data: Mapping[str, object], nested: Callable[[object], str]) -> str:
    return "&".join([f"{key}={_text(data[key], nested)}" for key in _in_node_order(data)])


def _text(value: object, nested: Callable[[object], str]) -> str:
    if isinstance(value, str):  # most of them
        return "" if value in PRINTED_AS_EMPTY else value
    if value is None:
        return ""
    if isinstance(value, NESTED):
        return nested(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    """As JavaScript prints it: the same digits as Python, an exponent for other sizes."""
    if not math.isfinite(value) or not value:
        return str(value) if value else "0"
    digits = Decimal(repr(value)).normalize()
    if 1e-6 <= abs(value) < 1e21:
        return f"{digits:f}"
    mantissa, _, exponent = f"{digits:e}".partition("e")
    return f"{mantissa}e{int(exponent):+d}"


def _nested_in_node(value: object) -> str:
    """The Node SDK takes whatever is listed for an object: a text for that of its characters."""
    if isinstance(value, list):
        return _json([_sorted(_as_object(element)) for element in value])
    return "[object Object]"


def _nested_in_python(value: object) -> str:
    """As the Python SDK."""
    return _sorted_json(value) if isinstance(value, list) else str(value)


def _sorted_json(value: object) -> str:
    return _json([_sorted(each) for each in value] if isinstance(value, list) else _sorted(value))


def _json(value: object) -> str:
    text = json.dumps(_as_in_javascript(value), separators=(",", ":"), ensure_ascii=False)
    return LONE_SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _sorted(value: object) -> object:
    """An object with its first level of keys sorted, and no deeper; anything else as it is."""
    if not isinstance(value, Mapping):
        return value
    return {name: value[name] for name in _in_node_order(value)}


def _as_object(element: object) -> object:
    """What JavaScript takes for the keys and values of `element`."""
    if isinstance(element, str):
        units = element.encode("utf-16-le", "surrogatepass")
        element = [
            units[at : at + 2].decode("utf-16-le", "surrogatepass")
            for at in range(0, len(units), 2)
        ]
    if isinstance(element, list):
        return {str(index): value for index, value in enumerate(element)}
    return element if isinstance(element, Mapping) else {}


def _as_in_javascript(value: object) -> object:
    """JavaScript has one kind of number: 50000.0 is 50000, at any depth."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_as_in_javascript(element) for element in value]
    if isinstance(value, Mapping):
        return {name: _as_in_javascript(value[name]) for name in value}
    return value


def _in_node_order(keys: Iterable[str]) -> list[str]:
    """As PayOS names its fields, in letters of ASCII alone, this is Python's own order."""
    names = "".join(keys)
    return sorted(keys, key=None if names.isascii() and names.isalpha() else _node_order)


def _node_order(key: str) -> tuple[bool, int, bytes]:
    """The order of the keys of a JavaScript object whose keys were inserted sorted."""
    if key.isdigit() and ARRAY_INDEX.fullmatch(key) and int(key) <= ARRAY_INDEX_MAX:
        return (False, int(key), b"")
    return (True, 0, key.encode("utf-16-be", "surrogatepass"))
