"""docs/auditing-chain.md is enough to compute every hash again, without SQL functions."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection
from psycopg.rows import dict_row

from tests.laws.chain import seal, superuser, take_checkpoint, write_history
from tests.payments import connected, open_process, query

DOCUMENT = (Path(__file__).parents[2] / "docs" / "auditing-chain.md").read_text("utf-8")
EVENTS: LiteralString = """
    SELECT number, stream, place, id, event_id, tx_ref, seq, type, data, occurred_at,
        recorded_at, hash
    FROM audit.sealed_events ORDER BY number
"""
CHECKPOINTS: LiteralString = """
    SELECT number, taken_at, streams, events, root, previous_hash, hash
    FROM audit.checkpoints ORDER BY number
"""
ODD_EVENTS: LiteralString = """
    INSERT INTO topup.events (event_id, type, data, occurred_at, recorded_at) VALUES
    (gen_random_uuid(), 'payment.failed', '{"long": "Nguyễn", "b": 1.50, "a": null}',
        '1969-12-31 23:59:59.999999+00', '2026-07-01 00:00:00.1+07'),
    (gen_random_uuid(), 'payment.failed', '{}', '1900-01-01 00:00:00+00', now())
"""


@pytest.fixture(scope="module")
def recipe() -> dict[str, Any]:
    """What the program in the document defines."""
    [program] = re.findall(r"^```python\n(.+?)^```", DOCUMENT, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(compile(program, "auditing-chain.md", "exec"), names)  # noqa: S102 our own document
    return names


@pytest.fixture
def verify(recipe: dict[str, Any]) -> Callable[..., Iterator[str]]:
    found: Callable[..., Iterator[str]] = recipe["verify"]
    return found


async def rows(connection: AsyncConnection, sql: LiteralString) -> list[dict[str, Any]]:
    async with connection.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(sql)
        return await cursor.fetchall()


@pytest.mark.breaks_the_laws
async def test_an_auditor_computes_every_hash_again_from_the_document(
    database_url: str, verify: Callable[..., Iterator[str]]
) -> None:
    async with open_process(database_url) as process, superuser(database_url) as owner:
        await take_checkpoint(owner)  # of nothing
        await write_history(process)
        await seal(owner)
        await take_checkpoint(owner)
        await owner.execute("SET timezone = 'Asia/Ho_Chi_Minh'; SET datestyle = 'German'")
        await owner.execute(ODD_EVENTS)
        await process.topup(50_000)
        await seal(owner)
        await take_checkpoint(owner)
        await take_checkpoint(owner)
    async with connected(database_url, "topup_auditor") as auditor:
        events, checkpoints = await rows(auditor, EVENTS), await rows(auditor, CHECKPOINTS)
    assert (len(events), [one["events"] for one in checkpoints]) == (11, [0, 8, 11, 11])
    assert list(verify(events, checkpoints)) == []
    events[3]["data"] += " "
    checkpoints[2]["streams"] += 1
    assert list(verify(events, checkpoints)) == ["seal 4", "latest checkpoints"]


async def test_the_example_of_the_document_is_right(
    database_url: str, recipe: dict[str, Any]
) -> None:
    [stated] = re.findall(r"has the hash `([0-9a-f]{64})`", DOCUMENT)
    cells = dict(re.findall(r"^\| `(event_id|type|data)` \| `(.+?)` \|", DOCUMENT, re.MULTILINE))
    row = dict(
        cells, number=1, place=1, id=1, tx_ref=None, seq=None,
        occurred_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        recorded_at=datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    )  # fmt: skip
    assert recipe["event_hash"](row, bytes(32)).hex() == stated
    columns = ("event_id", "type", "data", "occurred_at", "recorded_at")
    [(computed,)] = await query(
        database_url,
        """
        SELECT encode(topup.event_hash(
            ROW(1, %s, NULL, NULL, %s, %s::jsonb, %s, %s)::topup.events, 1, 1, NULL
        ), 'hex')
        """,
        *(row[column] for column in columns),
    )
    assert computed == stated
