"""Throw-away PostgreSQL servers, run by the supervisor that napvi ships."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from app.database.embedded.account import server_identity
from app.database.embedded.binaries import major_version, reachable_binaries
from app.database.embedded.cluster import create_cluster
from app.database.embedded.supervisor import EmbeddedPostgres

MEMORY = Path("/dev/shm")  # noqa: S108 creating a database there takes 16 ms, on disk 200 ms
MEMORY_BYTES_MIN = 1 << 30  # it is small in containers
DIRECTORY_PREFIX = "napvi-test-"
LAW_SECONDS_MAX = 90
LOOKS_MAX, LOOK_SECONDS = 50, 0.002
CREATE = "CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy"  # half the work of one through the WAL
CONNECTED = "SELECT FROM pg_stat_activity WHERE datname = %s"
DROP = "DROP DATABASE IF EXISTS {} WITH (FORCE)"


@dataclass(frozen=True)
class Postgres:
    """A running server, with the attributes that pytest-postgresql's `depends_on` reads."""

    server: EmbeddedPostgres
    host: str
    port: int = 5432
    user: str = "postgres"
    password: str | None = None
    options: str = ""
    maintenance_dbname: str = "postgres"
    template_dbname: str | None = None

    def url(self, dbname: str = "postgres") -> str:
        return self.server.database_url(dbname)

    @contextmanager
    def database(self, dbname: str, template_dbname: str | None = None) -> Iterator[str]:
        """The URL of a new database, which is dropped afterwards, whoever is still connected."""
        name, template = Identifier(dbname), Identifier(template_dbname or "template1")
        with psycopg.connect(self.url(self.maintenance_dbname), autocommit=True) as connection:
            connection.execute(SQL(CREATE).format(name, template))
            try:
                yield self.url(dbname)
            finally:
                # Most have left, and their backends will have, too: a DROP that meets one looks
                # again a tenth of a second later.
                for _ in range(LOOKS_MAX):
                    if connection.execute(CONNECTED, (dbname,)).fetchone() is None:
                        break
                    time.sleep(LOOK_SECONDS)
                connection.execute(SQL(DROP).format(name))


@contextmanager
def new_cluster(bin_dir: Path) -> Iterator[Path]:
    """As initdb makes it, to be copied."""
    with short_directory() as directory:
        cluster = directory / "postgres"
        identity = server_identity(cluster)
        programs = reachable_binaries(bin_dir, identity)
        major = major_version(programs, identity)
        create_cluster(cluster, programs, major, identity, durable=False)
        yield cluster


def copy_cluster(made: Path, data_dir: Path) -> None:
    """For a server that does not run yet: it takes a tenth of the time of initdb."""
    data_dir.mkdir(mode=0o700)
    subprocess.run(["cp", "--archive", made, data_dir / "postgres"], check=True)


@contextmanager
def throw_away_postgres(bin_dir: Path, made: Path | None = None) -> Iterator[Postgres]:
    """`made`: of a `new_cluster`, if there is one."""
    with short_directory() as directory:
        data_dir, run_dir = directory / "data", directory / "run"
        if made is not None:
            copy_cluster(made, data_dir)
        with EmbeddedPostgres(data_dir, run_dir, bin_dir=bin_dir, durable=False) as server:
            yield Postgres(server, host=str(run_dir))


@contextmanager
def short_directory() -> Iterator[Path]:
    """In memory if there is room; open enough for a server that root starts as another user."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    parent = MEMORY if in_memory else Path(tempfile.gettempdir())
    remove_leftovers(parent)
    directory = Path(tempfile.mkdtemp(prefix=f"{DIRECTORY_PREFIX}{os.getpid()}-", dir=parent))
    directory.chmod(0o711)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def remove_leftovers(parent: Path) -> None:
    """Of test runs that were killed."""
    for directory in parent.glob(f"{DIRECTORY_PREFIX}*"):
        pid = directory.name.removeprefix(DIRECTORY_PREFIX).partition("-")[0]
        if not Path("/proc", pid).exists():
            shutil.rmtree(directory, ignore_errors=True)


def check_the_laws(url: str) -> None:
    """State is the fold of the events, they are as sealed, every đồng is accounted for."""
    limit = f"-c statement_timeout={LAW_SECONDS_MAX}s"
    with psycopg.connect(url, options=limit) as connection:
        drift = connection.execute("SELECT * FROM audit.drift()").fetchall()
        assert drift == [], f"the projections are not the fold of the events: {drift}"
        forged = connection.execute(
            "SELECT * FROM audit.verify_chain() WHERE kind = 'finding'"
        ).fetchall()
        assert forged == [], f"the log is not what was sealed: {forged}"
        imbalance = connection.execute(
            "SELECT * FROM audit.money_equation WHERE difference IS DISTINCT FROM 0"
        ).fetchall()
        assert imbalance == [], "received money is neither in a wallet nor in suspense"
