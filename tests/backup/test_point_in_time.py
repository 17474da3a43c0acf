"""A base backup and archived WAL bring back every payment up to the moment before an accident."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backup.recipes import DOCUMENT, TODAY, Operator, with_programs
from tests.faults.own_postgres import OwnPostgres, own_postgres_server
from tests.payments import connected, drift, open_process, query, transfer
from tests.processes.payer import until

pytestmark = pytest.mark.processes

RECOVERY = re.compile(r"^(?:restore_command|recovery_target_action) = .+$", re.MULTILINE)
ARCHIVE = re.compile(r"archive_command = '(.+?)'\"$", re.MULTILINE)


@pytest.fixture
def server(postgres_bin: Path, made_cluster: Path) -> Iterator[OwnPostgres]:
    with own_postgres_server(postgres_bin, made_cluster) as server:
        yield server


@pytest.fixture
def operator(server: OwnPostgres, postgres_bin: Path, short_dir: Path) -> Operator:
    (short_dir / "wal").mkdir()
    give(short_dir / "wal", server.cluster)
    return Operator(with_programs({"DATABASE_URL": server.url}, postgres_bin), short_dir)


def give(path: Path, like: Path) -> None:
    """To the owner of `like`: as root the server runs as another user."""
    if os.geteuid() == 0:
        owner = like.stat()
        for each in (path, *path.rglob("*")):
            os.chown(each, owner.st_uid, owner.st_gid)


async def archive_all(url: str) -> None:
    """Returns when everything that was written so far is in the archive."""
    [(last,)] = await query(url, "SELECT pg_walfile_name(pg_switch_wal())")

    async def archived() -> bool:
        reached = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"
        return await query(url, reached, last) == [(True,)]

    await until(archived)


def put_back(server: OwnPostgres, directory: Path, moment: str) -> None:
    """What `directory` has of the stopped server takes its place, and ends at `moment`."""
    (base,), damaged = directory.glob("base-*"), directory / "damaged"
    settings = [line.replace("/backup", str(directory)) for line in RECOVERY.findall(DOCUMENT)]
    assert len(settings) == 2
    with (base / "postgresql.auto.conf").open("a") as file:
        file.write("\n".join([*settings, f"recovery_target_time = '{moment}'", ""]))
    (base / "recovery.signal").touch()
    shutil.move(server.cluster, damaged)
    shutil.move(base, server.cluster)
    give(server.cluster, damaged)


async def test_what_came_after_the_base_backup_is_there_and_the_accident_is_not(
    server: OwnPostgres, operator: Operator
) -> None:
    await operator.copy("psql --command=")
    server.stop()
    server.start()
    async with open_process(server.url) as doors:
        topup = await doors.topup(50_000)
        await doors.store.append_events([transfer(topup.order_code, 20_000)])
        await operator.copy("pg_basebackup")
        await doors.store.append_events([transfer(topup.order_code, 30_000)])
    [(moment,)] = await query(server.url, "SELECT clock_timestamp()::text")
    async with connected(server.url) as person:
        await person.execute("DROP SCHEMA topup CASCADE")
    await archive_all(server.url)
    server.stop()
    put_back(server, operator.directory, moment)
    server.start()

    async with open_process(server.url) as doors:
        assert (await doors.store.topup(topup.user_id, topup.tx_ref)).amount_paid == 50_000
        assert (await doors.topup(1_000)).order_code > topup.order_code
    assert await drift(server.url) == []


async def test_a_base_backup_is_made_on_the_next_day_too(operator: Operator) -> None:
    for today in ("2026-03-01", "2026-03-02"):
        await operator.copy("pg_basebackup", **{TODAY: today})
    assert {path.name for path in operator.directory.glob("base*")} == {
        "base-2026-03-01",
        "base-2026-03-02",
    }


def test_wal_of_which_a_copy_broke_off_is_archived_again(tmp_path: Path) -> None:
    """Half of it under its own name would stay for ever: nothing there is written over."""
    [command] = ARCHIVE.findall(DOCUMENT)
    wal, programs = tmp_path / "wal", tmp_path / "programs"
    wal.mkdir()
    programs.mkdir()
    (tmp_path / "segment").write_bytes(b"all of it")
    (programs / "cp").write_text('#!/bin/sh\nhead -c 3 "$1" > "$2"\nexit 1\n')
    (programs / "cp").chmod(0o755)
    line = command.replace("/backup", str(tmp_path)).replace("%f", "0001")
    line = line.replace("%p", str(tmp_path / "segment"))

    def archive(path: str) -> int:
        return subprocess.run(["/bin/sh", "-c", line], env={"PATH": path}, check=False).returncode

    assert archive(f"{programs}{os.pathsep}{os.environ['PATH']}") != 0
    assert not (wal / "0001").exists()
    assert archive(os.environ["PATH"]) == 0
    assert [path.name for path in wal.iterdir()] == ["0001"]
    assert (wal / "0001").read_bytes() == b"all of it"
    assert archive(os.environ["PATH"]) != 0  # there is another one of that name
