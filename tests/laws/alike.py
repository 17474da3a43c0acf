"""Whether two transfers of one order and payment link may be one, as docs/events.md has it."""

from datetime import datetime, timedelta
from typing import Any

BY_GET = "payos.get"


def may_be_one(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Under the same reference; or, of one amount and moment, without the reference of one of them;
    or one told by GET, and neither of them by an answer that lists the other.
    """
    blank = [data.get("unmatchable") == "reference.missing" for data in (one, other)]
    if not any(blank) and one["reference"] == other["reference"]:
        return True
    if one["amount"] != other["amount"] or not _are_of_one_moment(one, other):
        return False
    if any(blank) != all(blank):
        return True
    asked = is_by_get(one) or is_by_get(other)
    return asked and not _lists(one, other) and not _lists(other, one)


def _lists(answer: dict[str, Any], told: dict[str, Any]) -> bool:
    return told["reference"] in answer.get("listed", [])


def _are_of_one_moment(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Less than a minute apart, as far as their times are known."""
    times = [data.get("transaction_at") for data in (one, other)]
    if None in times:
        return True
    first, second = (datetime.fromisoformat(str(time)) for time in times)
    return abs(first - second) < timedelta(minutes=1)


def is_by_get(data: dict[str, Any]) -> bool:
    return data.get("source") == BY_GET
