"""`checkpoint` and `checkpoint verify` as an administrator and an auditor use them."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import LiteralString

import pytest
from psycopg.conninfo import make_conninfo

from tests.laws.chain import REWRITE, SILENT, superuser, write_history
from tests.payments import connected, open_process, query
from tests.processes.commands import command, shell

pytestmark = pytest.mark.processes

FINDING = re.compile(r"[a-z_]+: ")
DAMAGE: dict[str, tuple[LiteralString, str]] = {
    "edited": (
        "UPDATE topup.events SET occurred_at = occurred_at - interval '30 days' WHERE id = 5",
        r"event_changed: event 5 of suspense, seal 5",
    ),
    "edited to no moment": (
        "UPDATE topup.events SET occurred_at = 'infinity' WHERE id = 5",
        r"event_changed: event 5 of suspense, seal 5",
    ),
    "deleted": (
        "DELETE FROM topup.events WHERE id = 5",
        r"event_missing: event 5 of suspense, seal 5",
    ),
    "without a seal": (
        "DELETE FROM topup.event_seals WHERE id = 5",
        r"(?s)seals_missing: 5 to 5.+event_without_seal: event 5 of suspense",
    ),
    "moved": (
        "UPDATE topup.event_seals SET stream = 'T0000000Z', place = 1 WHERE id = 5",
        r"event_misplaced: event 5 of T0000000Z, seal 5",
    ),
    "cut off": (
        "DELETE FROM topup.event_seals WHERE id = 8; DELETE FROM topup.events WHERE id = 8",
        r"count_differs: checkpoint 1: 3 streams, 7 events",
    ),
    "a checkpoint of no moment": (
        "UPDATE topup.checkpoints SET taken_at = 'infinity'",
        r"checkpoint_differs: checkpoint 1 is another one in the database",
    ),
}


async def checkpoint(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """The exit code of the command, and what it said."""
    return await command(environment, "checkpoint", *arguments)


def told(said: str) -> list[str]:
    """The findings among it."""
    return [line for line in said.splitlines() if FINDING.match(line)]


@pytest.fixture
async def kept(environment: dict[str, str], database_url: str, tmp_path: Path) -> str:
    """A file with the checkpoint of a history of eight events."""
    file = str(tmp_path / "kept.jsonl")
    async with open_process(database_url) as process:
        await write_history(process)
    assert (await checkpoint(environment, "--to", file))[0] == 0
    return file


@pytest.fixture
async def auditor_url(database_url: str) -> AsyncIterator[str]:
    """A login that has topup_auditor and nothing else."""
    async with connected(database_url) as connection:
        await connection.execute("CREATE ROLE an_outsider LOGIN IN ROLE topup_auditor")
        try:
            yield make_conninfo(database_url, user="an_outsider")
        finally:
            await connection.execute("DROP ROLE an_outsider")


def numbers(file: str) -> list[int]:
    return [json.loads(line)["number"] for line in Path(file).read_text("utf-8").splitlines()]


@pytest.mark.breaks_the_laws
async def test_a_checkpoint_kept_elsewhere_convicts_who_made_everything_fit_again(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    file = str(tmp_path / "checkpoints.jsonl")
    async with open_process(database_url) as process:
        await write_history(process)
        code, line = await checkpoint(environment, "--to", file)
        assert (code, json.loads(line)["events"]) == (0, 8)
        await process.topup(50_000)
    assert (await checkpoint(environment, "--to", file))[0] == 0
    assert numbers(file) == [1, 2]
    code, said = await checkpoint(environment, "verify", file)
    assert (code, said.splitlines()[-3:]) == (
        0,
        [
            "9 sealed events; 0 have no seal yet.",
            "2 checkpoints kept elsewhere cover the first 9 events.",
            "0 findings.",
        ],
    )

    async with superuser(database_url) as forger:
        await forger.execute(
            "UPDATE topup.events SET data = data || '{\"amount\": 1}' WHERE seq = 4"
        )
        await forger.execute(REWRITE)
    verdicts = await query(database_url, "SELECT kind FROM audit.verify_chain()")
    assert {kind for (kind,) in verdicts} == {"range"}
    code, said = await checkpoint(environment, "verify", file)
    assert (code, told(said)) == (
        1,
        [
            "checkpoint_differs: checkpoint 1 is another one in the database",
            "checkpoint_differs: checkpoint 2 is another one in the database",
            "root_differs: checkpoint 1",
        ],
    )


@pytest.mark.breaks_the_laws
@pytest.mark.parametrize("damage", DAMAGE)
async def test_the_chain_is_computed_again_without_asking_the_database_what_it_has_to_be(
    environment: dict[str, str], database_url: str, kept: str, damage: str
) -> None:
    statement, finding = DAMAGE[damage]
    async with superuser(database_url) as forger:
        await forger.execute(SILENT)
        await forger.execute(statement)
    code, said = await checkpoint(environment, "verify", kept)
    assert code == 1, said
    assert re.search(finding, said), said


async def test_an_auditor_verifies_and_exports_and_is_told_what_an_auditor_may_not(
    environment: dict[str, str], kept: str, auditor_url: str
) -> None:
    as_auditor = environment | {"DATABASE_URL": auditor_url}
    code, said = await checkpoint(as_auditor, "verify", kept)
    assert (code, said.splitlines()[-1]) == (0, "0 findings.")
    code, said = await command(as_auditor, "export", "--since=0")
    assert code == 0, said
    assert "exported 8 rows of events up to id 8" in said
    for arguments in (("rebuild",), ("checkpoint",), ("suspense", "list")):
        code, said = await command(as_auditor, *arguments)
        assert (code, said.count("\n")) == (2, 1), said
        assert "may not do this (permission denied for schema topup)" in said


async def test_a_file_that_holds_something_else_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "other").write_text('{"number": 1}\n', "utf-8")
    code, said = await checkpoint(environment, "verify", str(tmp_path / "other"))
    assert (code, said) == (2, "napvi: line 1 is no checkpoint.\n")


async def test_a_file_that_holds_none_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "none").write_text("\n", "utf-8")
    for arguments in (["checkpoint", "verify"], ["audit", "--kept"]):
        code, said = await command(environment, *arguments, str(tmp_path / "none"))
        assert (code, said) == (2, "napvi: the file holds no checkpoint: it proves nothing.\n")


async def test_a_file_that_is_no_text_is_refused(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bytes").write_bytes(b"\x1f\x8b\xff")
    for arguments in (["checkpoint", "verify"], ["audit", "--kept"]):
        code, said = await command(environment, *arguments, str(tmp_path / "bytes"))
        assert (code, said) == (2, "napvi: the file is not in UTF-8.\n")


async def test_a_checkpoint_that_a_full_disk_does_not_take_is_printed_all_the_same(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    line = f"ulimit -f 0; '{sys.executable}' -m app checkpoint --to '{tmp_path / 'kept'}'"
    done = await asyncio.to_thread(shell, environment, line)
    assert (done.returncode, done.stderr) == (2, "napvi: File too large.\n")
    [(kept,)] = await query(database_url, "SELECT encode(hash, 'hex') FROM topup.checkpoints")
    assert json.loads(done.stdout)["hash"] == kept
