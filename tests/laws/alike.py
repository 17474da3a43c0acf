"""Whether two transfers of one order may be one, as docs/events.md has it."""

from typing import Any

BY_GET = "payos.get"


def may_be_one(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Without the reference of one of them; or told by a webhook, and by an answer of GET that
    does not list that.
    """
    blank = [data.get("unmatchable") == "reference.missing" for data in (one, other)]
    return any(blank) != all(blank) or _does_not_list(one, other) or _does_not_list(other, one)


def _does_not_list(answer: dict[str, Any], webhook: dict[str, Any]) -> bool:
    return (
        is_by_get(answer)
        and not is_by_get(webhook)
        and webhook["reference"] not in answer.get("listed", [])
    )


def is_by_get(data: dict[str, Any]) -> bool:
    return data.get("source") == BY_GET
