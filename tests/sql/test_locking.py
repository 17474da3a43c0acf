"""docs/locking.md and the functions say the same: what is locked, in which order, by which door.

Read from the files: a statement takes its lock where it stands, a call those of the function, and
an INSERT into the log those of its trigger. Branches count as if all were taken.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTIONS = {path.stem: path.read_text("utf-8") for path in (ROOT / "sql/functions").glob("*.sql")}
DOORS = sorted(name for name, text in FUNCTIONS.items() if "TO topup_app" in text)
ORDER = [
    row.group(1)
    for row in re.finditer(r"(?m)^\| \d+ \| `([^`]+)` \|", (ROOT / "docs/locking.md").read_text())
]
STEP = re.compile(
    r"""
    (?P<advisory>pg_(?:try_)?advisory_xact_lock\((?:hashtextextended\('topup\.)?\w+)
    | (?P<change>INSERT[ ]INTO|(?<!FOR[ ])UPDATE|DELETE[ ]FROM)\s+topup\.(?P<table>\w+)
    | FOR[ ](?:NO[ ]KEY[ ])?UPDATE(?:[ ]OF[ ](?P<alias>\w+))?
    | topup\.(?P<call>\w+)\(
    """,
    re.VERBOSE,
)
OWN_EVENT_ONLY = {"ledger_entries"}
"""Nobody else can want these rows: they belong to the event that was inserted before."""

OPENS_A_NEW_ROW = {("open_topup", "topups")}
"""The trigger has a branch that updates, but an opening has nothing to update."""


def body(name: str) -> str:
    """The function without its header and comments, up to its grants and triggers."""
    text = re.sub(r"--.*", "", FUNCTIONS[name])
    return text[text.index("AS $$") : text.rindex("$$")] if "AS $$" in text else ""


def row_lock(before: str, alias: str | None) -> str:
    """The table that FOR UPDATE is about: that of the alias, or the latest."""
    named = rf"topup\.(\w+) AS {alias}\b" if alias else r"FROM topup\.(\w+)\b"
    return str(re.findall(named, before)[-1])


@cache
def locks(name: str) -> tuple[str, ...]:
    return tuple(steps(name))


def steps(name: str) -> Iterator[str]:
    """The locks that a function takes, one after the other, as docs/locking.md calls them."""
    text = body(name)
    for step in STEP.finditer(text):
        if step["advisory"]:
            yield re.split(r"\(|topup\.", step["advisory"])[-1]
        elif step["call"]:
            if step["call"] in FUNCTIONS:
                yield from locks(step["call"])
        elif step["change"] == "INSERT INTO" and step["table"] == "topups":
            yield "topups, new"
        elif step["table"]:
            yield step["table"]
            if step["table"] == "events":
                yield from locks("events_after_insert")
        else:
            yield row_lock(text[: step.start()], step["alias"])


def taken(name: str) -> list[str]:
    """Each lock once, when it is taken first."""
    return [
        lock
        for lock in dict.fromkeys(locks(name))
        if lock not in OWN_EVENT_ONLY and (name, lock) not in OPENS_A_NEW_ROW
    ]


def test_there_is_an_order() -> None:
    assert len(ORDER) == len(set(ORDER)) > 10


@pytest.mark.parametrize("name", DOORS)
def test_a_door_takes_its_locks_in_the_documented_order(name: str) -> None:
    assert taken(name) == sorted(taken(name), key=ORDER.index)


def test_the_document_names_the_doors_that_take_each_lock() -> None:
    text = (ROOT / "docs/locking.md").read_text("utf-8")
    documented = {
        lock: re.findall(rf"(?m)^\| \d+ \| `{lock}` \|.*\| (.*) \|$", text) for lock in ORDER
    }
    real = {
        lock: [", ".join(f"`{door}`" for door in DOORS if lock in taken(door))] for lock in ORDER
    }
    assert documented == real


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_a_header_says_that_nothing_is_locked_only_where_that_is_so(name: str) -> None:
    header = re.search(r"(?m)^-- Locks: +(.+)$", FUNCTIONS[name])
    assert header
    if header[1].startswith("nothing"):
        assert taken(name) == []
    elif not taken(name):
        assert header[1].startswith(("expects", "at commit"))
