"""Databases whose commits cost nothing, and ones whose commits cost what a careful operator pays.

Both run on the programs of another server, as migrated as that one, and end with their block.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from app.database.embedded.account import server_identity
from app.database.embedded.supervisor import EmbeddedPostgres
from app.database.migrate import migrate
from bench.service import running_database
from tests.postgres import throw_away_postgres

STANDBY_SECONDS_MAX = 30.0
FAR_MS = 2
IN_STEP = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"


def bin_dir_of(database_url: str) -> Path:
    """Where the programs of a running server are."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    assert row is not None
    return Path(row[0])


@contextmanager
def unsynced_database(bin_dir: Path) -> Iterator[str]:
    """The URL of one with fsync off, in memory if there is room."""
    with throw_away_postgres(bin_dir) as postgres:
        asyncio.run(migrate(postgres.url()))
        yield postgres.url()


@contextmanager
def replicated_database(bin_dir: Path) -> Iterator[str]:
    """The URL of one whose commits wait until a standby on this machine has them on disk too."""
    with _replicated(bin_dir, "on", 0) as url:
        yield url


@contextmanager
def far_replicated_database(bin_dir: Path) -> Iterator[str]:
    """The same, but the standby shows a commit FAR_MS after it was made, as if it were far away,
    and the commit waits for that."""
    with _replicated(bin_dir, "remote_apply", FAR_MS) as url:
        yield url


@contextmanager
def _replicated(bin_dir: Path, waits_for: str, apply_delay_ms: int) -> Iterator[str]:
    directory = Path(tempfile.mkdtemp(prefix="napvi-bench-"))
    directory.chmod(0o711)  # as root: PostgreSQL runs as another user
    try:
        with running_database(bin_dir) as url:
            cluster = _copy(url, bin_dir, directory / "data")
            with (cluster / "postgresql.auto.conf").open("a") as settings:
                settings.write(f"recovery_min_apply_delay = '{apply_delay_ms}ms'\n")
            with EmbeddedPostgres(directory / "data", directory / "run", bin_dir=bin_dir):
                _wait_for_the_standby(url, waits_for)
                yield url
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _copy(url: str, bin_dir: Path, data_dir: Path) -> Path:
    """A cluster that follows the server at `url`, where EmbeddedPostgres looks for its own."""
    cluster = data_dir / "postgres"
    identity = server_identity(cluster)
    cluster.mkdir(mode=0o700, parents=True)
    data_dir.chmod(0o711)
    if identity["user"] is not None and identity["group"] is not None:
        os.chown(cluster, identity["user"], identity["group"])
    done = subprocess.run(
        (
            *(bin_dir / "pg_basebackup", "--pgdata", cluster, "--dbname", url),
            *("--checkpoint=fast", "--wal-method=stream", "--write-recovery-conf", "--no-sync"),
        ),
        cwd="/", capture_output=True, text=True, check=False, **identity,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"pg_basebackup: {done.stderr}")
    return cluster


def _wait_for_the_standby(url: str, waits_for: str) -> None:
    """Returns when commits wait for it: `waits_for` is their synchronous_commit."""
    deadline = time.monotonic() + STANDBY_SECONDS_MAX
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        setting = sql.SQL("ALTER SYSTEM SET synchronous_commit = {}")
        connection.execute(setting.format(sql.Literal(waits_for)))
        connection.execute("SELECT pg_reload_conf()")
        while connection.execute(IN_STEP).fetchone() == (0,):
            if time.monotonic() > deadline:
                raise SystemExit("The standby does not follow.")
            time.sleep(0.1)


def postmaster_pid(database_url: str) -> int:
    """The process that all of its backends descend from."""
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    assert row is not None
    return int(Path(row[0], "postmaster.pid").read_text().splitlines()[0])
