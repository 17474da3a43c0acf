"""Strict reading of PayOS's JSON objects: the types and ranges that a signature cannot vouch for.

Every reader but loose_text raises InvalidRequest that names the field.
"""

import re
from collections.abc import Mapping

from app.errors import InvalidRequest
from app.payos.signature import LONE_SURROGATE

INTEGER_MAX = 2**53 - 1  # the other end is JavaScript
NOT_STORABLE = re.compile("[\0\ud800-\udfff]")  # in PostgreSQL
PAYMENT_LINK_ID = re.compile("[0-9a-f]{32}")

Fields = Mapping[str, object]


def whole(data: Fields, name: str, smallest: int = 1, largest: int = INTEGER_MAX) -> int:
    """An integer that is not a bool, from `smallest` to `largest`."""
    value = data.get(name)
    if type(value) is not int or not smallest <= value <= largest:
        raise fault(name, f"must be a whole number from {smallest} to {largest}")
    return value


def text(data: Fields, name: str, nul_allowed: bool = False) -> str:
    """A string that PostgreSQL can hold; absent and null are the empty one."""
    value = data.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise fault(name, "must be a string")
    if LONE_SURROGATE.search(value):
        raise fault(name, "must not hold half a surrogate pair")
    if "\0" in value and not nul_allowed:
        raise fault(name, "must not hold a NUL character")
    return value


def loose_text(data: Fields, name: str) -> str:
    """What an odd value must not hold up money for: "" for what is no string, U+FFFD for what
    PostgreSQL cannot hold. A text that JavaScript cuts may end in half a surrogate pair."""
    value = data.get(name)
    return NOT_STORABLE.sub("\ufffd", value) if isinstance(value, str) else ""


def required_text(data: Fields, name: str) -> str:
    """A string with something in it."""
    value = text(data, name)
    if not value:
        raise fault(name, "must not be empty")
    return value


def payment_link_id(data: Fields, name: str) -> str:
    """32 lower-case hex digits: the form in every sample, and no room for a forged field."""
    value = text(data, name)
    if not PAYMENT_LINK_ID.fullmatch(value):
        raise fault(name, "must be 32 lower-case hex digits")
    return value


def currency(data: Fields, name: str) -> str:
    """VND, also where nothing is said."""
    value = text(data, name) or "VND"
    if value != "VND":
        raise fault(name, "must be VND")
    return value


def fault(name: str, complaint: str) -> InvalidRequest:
    return InvalidRequest(
        "The data is not what PayOS is known to send.", {f"data.{name}": complaint}
    )
