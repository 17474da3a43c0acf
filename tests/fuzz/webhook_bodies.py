"""Webhooks that PayOS would not send: a good one, changed, then signed again or not.

A change is made to the members, before the text is written, or to the bytes of the text.
"""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.web.webhooks import signed, transfer_data

Members = dict[str, Any]

FIELDS = sorted(transfer_data(1))
HUGE = [2**53, 2**63, -(2**63), 10**400, 1e308, 0.1, -0.0, float("nan"), float("inf")]
ODD_TEXT = [
    "\ud800",
    "\udfff\ud800",
    "\0",
    "&",
    "=",
    "&amount=1",
    "null",
    "\u202e",
    "T0000000\u0130",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(HUGE)
    | st.sampled_from(ODD_TEXT)
    | st.text(st.characters(), max_size=40)  # halves of characters as well
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def bodies(draw: st.DrawFn, order_codes: list[int]) -> bytes:
    """What comes in; an order code of `order_codes` belongs to a top-up."""
    members = draw(changed_members(transfer_data(draw(st.sampled_from([*order_codes, 999])))))
    body = written(members) if draw(st.booleans()) else unsigned(members)
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=2)):
        body = change(draw, body)
    return body


@st.composite
def changed_members(draw: st.DrawFn, members: Members) -> Members:
    for name in draw(st.lists(st.sampled_from([*FIELDS, "new", "", "0", "a&b=c"]), max_size=3)):
        if draw(st.booleans()):
            members[name] = draw(values)
        else:
            members.pop(name, None)
    return members


def written(members: Members) -> bytes:
    """Signed with the right key, if there is such a signature at all."""
    try:
        return signed(members)
    except (ValueError, OverflowError):
        return unsigned(members)


def unsigned(members: Members) -> bytes:
    return json.dumps({"data": members, "signature": "0" * 64}).encode()


def flip_a_bit(draw: st.DrawFn, body: bytes) -> bytes:
    at = draw(st.integers(0, max(len(body) - 1, 0)))
    return (
        body[:at]
        + bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in body[at : at + 1])
        + (body[at + 1 :])
    )


def truncate(draw: st.DrawFn, body: bytes) -> bytes:
    return body[: draw(st.integers(0, len(body)))]


def double_a_member(draw: st.DrawFn, body: bytes) -> bytes:
    """The same key twice, with another value: the last one counts."""
    name = draw(st.sampled_from(["data", "signature", *FIELDS]))
    key = f'"{name}": '.encode()
    return body.replace(key, key + json.dumps(draw(scalars)).encode() + b", " + key, 1)


def nest(draw: st.DrawFn, body: bytes) -> bytes:
    depth = draw(st.sampled_from([10, 900, 1_100, 2_500]))
    opening, closing = draw(st.sampled_from([(b"[", b"]"), (b'{"data":', b"}")]))
    return opening * depth + body + closing * depth


def nest_inside(draw: st.DrawFn, body: bytes) -> bytes:
    depth = draw(st.sampled_from([10, 900, 2_500]))
    return body.replace(b"50000", b"[" * depth + b"]" * depth, 1)


def write_otherwise(draw: st.DrawFn, body: bytes) -> bytes:
    """Other ways to write numbers, which JSON or only Python takes; and a mark of byte order."""
    number = draw(
        st.sampled_from([b"5e4", b"50000.0", b"NaN", b"-Infinity", b"1e400", b"9" * 5_000])
    )
    before = draw(st.sampled_from([b"", b"\xef\xbb\xbf", b" \n", b"\xff"]))
    return before + body.replace(b"50000", number, 1)


Change = Callable[[st.DrawFn, bytes], bytes]
CHANGES: list[Change] = [
    flip_a_bit, truncate, double_a_member, nest, nest_inside, write_otherwise,
]  # fmt: skip
