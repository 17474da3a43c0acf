"""The projectors, and every way in which one line of one of them may be wrong."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.mutations.operators import changed

FUNCTIONS = Path(__file__).parents[2] / "sql" / "functions"
PROJECTORS = (
    "next_state",
    "credit",
    "close",
    "fold",
    "postings",
    "project_event",
    "events_after_insert",
    "state_in_batch",
    "judge_facts",
    "ledger_entries_balance",
)
DEFINITION = re.compile(r"CREATE OR REPLACE (?:FUNCTION|AGGREGATE) .*?^(?:\$\$|\));\n", re.M | re.S)
BODY = re.compile(r"^AS \$\$\n(.*?)^\$\$;|^CREATE OR REPLACE AGGREGATE .*?\n(.*?)^\);", re.M | re.S)
STRUCTURE = re.compile(
    r"(DECLARE|BEGIN|LOOP|ELSE|RETURN QUERY|SELECT|END|END (IF|LOOP|CASE);|\) THEN|\)|\);|VALUES \("
    r"|ROW\(|RETURN ARRAY\[|\];|\)::topup\.\w+,?|v_\w+ [\w.\[\]]+;|STYPE = .*|WHERE|\([a-z_, ]+\))"
)
"""Says nothing by itself: frames, declarations of a type, lists of columns."""

OPENS = re.compile(r"(BEGIN|LOOP|ELSE|.* THEN)")
CONTROLS = re.compile(r"(IF|ELSIF|CASE|WHEN|FOR|FOREACH|RETURN|END|NULL|LOOP|BEGIN|ELSE)\b")


@dataclass(frozen=True)
class Mutant:
    """`number`: of the line in its file, from 1; `line`: without indentation and comment."""

    function: str
    number: int
    line: str
    change: str
    sql: str

    @property
    def key(self) -> tuple[str, str, str]:
        return self.function, self.line, self.change


def path(function: str) -> Path:
    return FUNCTIONS / f"{function}.sql"


def executable_lines(function: str) -> Iterator[tuple[int, str]]:
    """Number and text of the lines that do something."""
    text = path(function).read_text("utf-8")
    body = BODY.search(text)
    assert body is not None
    first = text[: body.start(body.lastindex or 0)].count("\n") + 1
    for number, whole in enumerate((body[1] or body[2]).splitlines(), first):
        line = _code(whole)
        if line and not STRUCTURE.fullmatch(line):
            yield number, line


def mutants(function: str) -> Iterator[Mutant]:
    """In the order of the file; PostgreSQL may refuse some."""
    lines = path(function).read_text("utf-8").splitlines(keepends=True)
    for number, line in executable_lines(function):
        place = slice(number - 1, number)
        for change in changed(line):
            yield _mutant(function, number, line, change, lines, place)
        end = _end_of_statement(lines, number - 1)
        if end is not None:
            place = slice(number - 1, end + 1)
            yield _mutant(function, number, line, "NULL;", lines, place)
        elif line.endswith(",") and not line.endswith("(,"):
            yield _mutant(function, number, line, "", lines, place)
        elif line.startswith(("WHERE ", "AND ")) and line.count("(") == line.count(")"):
            kept = ";" if line.endswith(";") else ""
            yield _mutant(function, number, line, kept, lines, place)


def _mutant(
    function: str, number: int, line: str, change: str, lines: list[str], place: slice
) -> Mutant:
    text = "".join([*lines[: place.start], f"{change}\n", *lines[place.stop :]])
    definition = DEFINITION.search(text)
    assert definition is not None
    return Mutant(function, number, line, change or "(left out)", definition[0])


def _end_of_statement(lines: list[str], first: int) -> int | None:
    """The last line of the statement that begins here; None if none does, or it is a frame."""
    before = next((code for line in reversed(lines[:first]) if (code := _code(line))), "")
    in_block = any(line.strip() == "BEGIN" for line in lines[:first])
    if not in_block or CONTROLS.match(lines[first].strip()):
        return None
    if not before.endswith(";") and not OPENS.fullmatch(before):
        return None
    ends = (number for number, line in enumerate(lines) if _code(line).endswith(";"))
    return next(number for number in ends if number >= first)


def _code(line: str) -> str:
    return line.partition("--")[0].strip()
