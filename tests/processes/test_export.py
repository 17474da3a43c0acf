"""`export` as an operator uses it: the files it writes, and what it refuses to write."""

import asyncio
import csv
import io
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app.database.export import ROWS_PER_READ
from tests.audit.history import write_history
from tests.payments import append_raw, connected, element, open_process, query, transfer
from tests.processes.commands import shell
from tests.services import SECONDS_MAX

pytestmark = pytest.mark.processes

EXPORT = shlex.join([sys.executable, "-m", "app", "export"])
WAITING = """
    SELECT 1 FROM pg_stat_activity
    WHERE wait_event = 'PgSleep' AND datname = current_database()
"""
FILL = """
    INSERT INTO topup.events (event_id, type, data, occurred_at)
    SELECT gen_random_uuid(), 'payment.failed', '{"code": "01", "amount": 5000}', now()
    FROM generate_series(1, %s)
    RETURNING id
"""


def export(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return shell(environment, shlex.join([*shlex.split(EXPORT), *arguments]))


async def fill(url: str, rows: int) -> None:
    async with connected(url, "topup_owner") as connection:
        await connection.execute(FILL, (rows,))


def contents(directory: Path) -> dict[str, str]:
    return {file.name: file.read_text("utf-8") for file in directory.iterdir()}


def objects(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def last_words(done: subprocess.CompletedProcess[str]) -> str:
    return done.stderr.splitlines()[-1]


async def test_both_forms_have_every_row_with_the_same_values(
    environment: dict[str, str], database_url: str
) -> None:
    await write_history(database_url)
    done = await asyncio.to_thread(export, environment, "--since", "0")
    assert done.returncode == 0, done.stderr
    assert last_words(done) == "exported 31 rows of events up to id 31; go on with --since 31"
    events = objects(done.stdout)
    recorded = await query(database_url, "SELECT id, event_id, data FROM topup.events ORDER BY id")
    assert [(row["id"], row["event_id"], row["data"]) for row in events] == [
        (id, str(event_id), data) for id, event_id, data in recorded
    ]
    assert events[14]["reason"] == "ticket 1234, receipt seen"
    assert events[6]["recorded_at"] == "2025-03-01T17:01:00.000000+00:00"
    assert (events[6]["recorded_on"], events[6]["amount"]) == ("2025-03-02", 30_000)

    done = await asyncio.to_thread(export, environment, "--since=0", "--format=csv")
    table = list(csv.DictReader(io.StringIO(done.stdout, newline="")))
    assert [json.loads(row["data"]) for row in table] == [row["data"] for row in events]
    plain = [name for name in events[0] if name != "data"]
    assert [[row[name] for name in plain] for row in table] == [
        ["" if row[name] is None else str(row[name]) for name in plain] for row in events
    ]


async def test_the_ledger_goes_on_where_the_last_export_ended(
    environment: dict[str, str], database_url: str
) -> None:
    await write_history(database_url)
    wanted = ("--what=ledger", "--since")
    first = await asyncio.to_thread(export, environment, *wanted, "0", "--until=5")
    assert last_words(first) == "exported 5 rows of ledger up to id 5; go on with --since 5"
    second = await asyncio.to_thread(export, environment, *wanted, "5")
    entries = objects(first.stdout) + objects(second.stdout)
    assert [(row["id"], row["amount"], row["balance_after"]) for row in entries] == await query(
        database_url, "SELECT id, amount, balance_after FROM topup.ledger_entries ORDER BY id"
    )
    assert sum(row["amount"] for row in entries) == 0
    assert last_words(second) == "exported 13 rows of ledger up to id 18; go on with --since 18"


async def test_more_rows_than_one_read_brings_are_all_there(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    await fill(database_url, 2 * ROWS_PER_READ + 1)
    file = tmp_path / "events.jsonl"
    file.write_text("of yesterday")
    done = await asyncio.to_thread(export, environment, "--since=0", f"--to={file}")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    [(name, lines)] = contents(tmp_path).items()
    assert name == file.name
    assert [row["id"] for row in objects(lines)] == list(range(1, 2 * ROWS_PER_READ + 2))


async def test_an_export_waits_for_a_smaller_id_that_commits_later(
    environment: dict[str, str], database_url: str
) -> None:
    async with open_process(database_url) as process:
        slow, quick = await process.topup(), await process.topup()
        async with await psycopg.AsyncConnection.connect(database_url) as transaction:
            await append_raw(transaction, [element(transfer(slow.order_code, 1_000))])
            await process.store.append_events([transfer(quick.order_code, 1_000)])
            refused = await asyncio.to_thread(export, environment, "--since=0", "--wait=0.1")
            assert (refused.returncode, refused.stdout) == (2, "")
            assert "Transactions that write have not ended" in refused.stderr
            exporting = asyncio.create_task(asyncio.to_thread(export, environment, "--since=0"))
            await until_it_waits(database_url)
        done = await exporting
    assert [row["id"] for row in objects(done.stdout)] == [1, 2, 3, 4]


async def until_it_waits(url: str) -> None:
    async with asyncio.timeout(SECONDS_MAX):
        while True:
            if await query(url, WAITING):
                return
            await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--since=7"], "napvi: --since 7 lies beyond the events, which end at id 0."),
        (["--since=0", "--to=/no/such/place.csv"], "/no/such/place.csv cannot be written"),
    ],
)
async def test_what_cannot_be_exported_is_told_in_a_sentence(
    environment: dict[str, str], arguments: list[str], told: str
) -> None:
    done = await asyncio.to_thread(export, environment, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr


async def test_a_link_to_the_file_stays_one_and_leads_to_the_new_rows(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    await fill(database_url, 2)
    link, real = tmp_path / "link.jsonl", tmp_path / "elsewhere" / "real.jsonl"
    real.parent.mkdir()
    link.symlink_to(real)
    for before in (None, "of yesterday"):
        if before is not None:
            real.write_text(before)
        done = await asyncio.to_thread(export, environment, "--since=0", f"--to={link}")
        assert done.returncode == 0, done.stderr
        assert link.readlink() == real
        [(name, lines)] = contents(real.parent).items()
        assert (name, [row["id"] for row in objects(lines)]) == (real.name, [1, 2])


async def test_a_pipe_stays_one_and_its_reader_gets_the_rows(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    await fill(database_url, 2)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        done = await asyncio.to_thread(export, environment, "--since=0", f"--to={pipe}")
        assert done.returncode == 0, done.stderr
        rows = os.read(reader, 1 << 16).decode()
    finally:
        os.close(reader)
    assert [row["id"] for row in objects(rows)] == [1, 2]
    assert pipe.is_fifo()


async def test_two_exports_into_one_file_do_not_share_what_is_unfinished(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    await fill(database_url, ROWS_PER_READ)
    file, others = tmp_path / "events.jsonl", tmp_path / "events.jsonl.unfinished"
    others.write_text("of another export")
    both = [asyncio.to_thread(export, environment, "--since=0", f"--to={file}") for _ in range(2)]
    assert [done.returncode for done in await asyncio.gather(*both)] == [0, 0]
    written = contents(tmp_path)
    assert written.pop(others.name) == "of another export"
    [(name, lines)] = written.items()
    assert (name, len(objects(lines))) == (file.name, ROWS_PER_READ)


async def test_an_export_that_fails_leaves_the_file_of_before(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    await fill(database_url, ROWS_PER_READ)
    file = tmp_path / "events.csv"
    file.write_text("of yesterday")
    done = await asyncio.to_thread(
        shell, environment, f"ulimit -f 64; {EXPORT} --since=0 --format=csv --to={file}"
    )
    assert (done.returncode, "cannot be written: File too large." in done.stderr) == (2, True)
    assert contents(tmp_path) == {"events.csv": "of yesterday"}


async def test_a_reader_that_has_enough_ends_it(
    environment: dict[str, str], database_url: str
) -> None:
    await fill(database_url, ROWS_PER_READ)
    done = await asyncio.to_thread(shell, environment, f"{EXPORT} --since=0 | head -n 1")
    assert [row["id"] for row in objects(done.stdout)] == [1]
