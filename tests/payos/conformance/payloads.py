"""Payloads such as PayOS might sign: webhooks, answers, and what nobody has seen yet."""

from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.payos.wire import TRANSFER

PROTO = "__proto__"

TEXT = st.text(max_size=24)
"""With half surrogate pairs, NUL, "&", "=" and everything else that JSON can carry."""

UNBROKEN_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=24)
WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
INTEGRAL_FLOATS = st.integers(-(2**53) + 1, 2**53 - 1).map(float)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
NAMES = st.sampled_from(sorted(TRANSFER)) | st.text("abcXYZ_0123", min_size=1, max_size=6)
WORDS = st.sampled_from(["", "null", "undefined", "NULL", "None", "true", "a&b=c", "😀\uffee"])


def payloads(node_only: bool) -> st.SearchStrategy[dict[str, Any]]:
    """`node_only`: also what the Python SDK is known to sign in another way than Node's."""
    text = TEXT if node_only else UNBROKEN_TEXT
    value: st.SearchStrategy[object] = st.none() | st.booleans() | WHOLE | text | WORDS
    name = NAMES | TEXT.filter(_is_signed) if node_only else NAMES.filter(_is_ordered_alike)
    if node_only:
        value = value | INTEGRAL_FLOATS
    transfer = st.dictionaries(name, value, max_size=8)
    if node_only:
        listed = st.lists(st.booleans() | WHOLE | text | st.lists(value, max_size=2), max_size=3)
        value = value | listed | st.dictionaries(name, transfer, max_size=2) | FLOATS
    return st.dictionaries(name, value | st.lists(transfer, max_size=3), max_size=18)


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """So many of them, for one question to one process."""
    found: list[Any] = []

    @settings(
        max_examples=count,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(example: Any) -> None:
        found.append(example)

    draw()
    return found


def _is_signed(name: str) -> bool:
    """The Node SDK leaves out the one key that means something else to JavaScript."""
    return name not in ("", PROTO)


def _is_ordered_alike(name: str) -> bool:
    """JavaScript puts keys that look like an index of an array first."""
    return not name.isdecimal()
