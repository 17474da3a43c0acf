"""docs/auditing.md, asked by an accountant: every query gives the answer that stands below it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg import AsyncConnection

from tests.payments import query

DOCUMENT = (Path(__file__).parents[2] / "docs" / "auditing.md").read_text("utf-8")
QUESTIONS = DOCUMENT.partition("## Fifteen questions")[2].partition("## Proofs")[0]
QUESTION = re.compile(
    r"^### (?P<number>\d+)\. (?P<title>.+)\n"
    r"(?:(?!###)[^`\n].*\n|`[^`].*\n|\n)*"
    r"```sql\n(?P<sql>(?:.*\n)+?)```\n\n"
    r"(?P<answer>(?:\|.*\n)+)",
    re.MULTILINE,
)
OBJECTS: LiteralString = """
    SELECT 'audit.' || relname FROM pg_class
    WHERE relnamespace = 'audit'::regnamespace AND relkind = 'v'
    UNION ALL
    SELECT 'audit.' || proname FROM pg_proc WHERE pronamespace = 'audit'::regnamespace
"""
DAYS_OF_TWO_PARTS: LiteralString = """
    SELECT e.recorded_on::text, l.recorded_on::text, s.recorded_on::text
    FROM audit.events AS e
    INNER JOIN audit.ledger AS l ON l.event_id = e.event_id AND l.user_id IS NOT NULL
    INNER JOIN audit.statement AS s ON s.event_id = e.event_id
    WHERE e.tx_ref = 'T0000000B'
    ORDER BY e.seq
"""


@dataclass(frozen=True)
class Question:
    number: str
    title: str
    sql: str
    answer: str

    @property
    def table(self) -> list[list[str]]:
        """Header and rows, as the document has them; null is an empty cell."""
        header, _, *rows = self.answer.splitlines()
        return [[cell.strip() for cell in row[1:-1].split("|")] for row in (header, *rows)]


def questions() -> list[Question]:
    return [Question(**found.groupdict()) for found in QUESTION.finditer(QUESTIONS)]


async def ask(auditor: AsyncConnection, sql: str) -> list[list[str]]:
    """Header and rows as psql prints them."""
    cursor = await auditor.execute(sql)
    result = cursor.pgresult
    assert result is not None
    assert cursor.description is not None
    values = [
        [(result.get_value(row, column) or b"").decode() for column in range(result.nfields)]
        for row in range(result.ntuples)
    ]
    return [[column.name for column in cursor.description], *values]


def test_there_are_fifteen_each_with_a_query_and_an_answer() -> None:
    found = questions()
    assert [question.number for question in found] == [str(number) for number in range(1, 16)]
    assert QUESTIONS.count("```sql") == len(found)
    assert all(len(question.table) > 1 for question in found), "an empty answer shows nothing"


async def test_each_query_gives_the_answer_of_the_document(auditor: AsyncConnection) -> None:
    await auditor.execute("SET TimeZone = 'Asia/Ho_Chi_Minh'")
    for question in questions():
        assert await ask(auditor, question.sql) == question.table, question.title


async def test_the_days_are_those_of_vietnam_wherever_the_accountant_is(
    auditor: AsyncConnection,
) -> None:
    """The money that came at 23:58 and at 00:01 is of two days, in UTC of one."""
    daily = questions()[0]
    for zone in ("UTC", "Pacific/Auckland", "America/Los_Angeles"):
        await auditor.execute(f"SET TimeZone = '{zone}'")
        assert await ask(auditor, daily.sql) == daily.table
        cursor = await auditor.execute(DAYS_OF_TWO_PARTS)
        assert await cursor.fetchall() == [("2025-03-01",) * 3, ("2025-03-02",) * 3]


async def test_the_document_names_every_view_and_function_and_no_other(database_url: str) -> None:
    table = DOCUMENT.partition("## What there is")[2].partition("## Fifteen questions")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `audit.")]
    named = [name for row in rows for name in re.findall(r"`(audit\.\w+)", row.split("|")[1])]
    assert sorted(named) == sorted(name for (name,) in await query(database_url, OBJECTS))


@pytest.mark.parametrize("block", re.findall(r"```sql\n((?:.*\n)+?)```", DOCUMENT))
def test_every_query_says_in_which_schema_it_reads(block: str) -> None:
    """The search_path of a login is its own."""
    read = set(re.findall(r"(?:FROM|JOIN) ([\w.]+)", block))
    assert not {name for name in read if "." not in name} - {"bank", "ours"}
