"""pgbouncer in transaction mode, in front of the test's server.

- `pooler_url`  the empty database of a test, through it
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
PORT = 6432  # only a part of the socket's name
SECONDS_MAX = 60.0


@pytest.fixture
def pooler_url(empty_database_url: str, short_dir: Path) -> Iterator[str]:
    with transaction_pooler(empty_database_url, short_dir) as url:
        yield url


@contextmanager
def transaction_pooler(database_url: str, directory: Path) -> Iterator[str]:
    """The address of `database_url` through a pgbouncer that answers. Skips where there is none."""
    if PGBOUNCER is None:
        if os.environ.get("CI") == "true":
            pytest.fail("pgbouncer is not installed")
        pytest.skip("pgbouncer is not installed")
    server = conninfo_to_dict(database_url)
    # pgbouncer refuses root; the owner of the server's socket may connect to it.
    owner = Path(str(server["host"]), f".s.PGSQL.{server['port']}").stat().st_uid
    directory.chmod(0o777)
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        f"""
        [databases]
        * = host={server["host"]} port={server["port"]} user={server["user"]}
        [pgbouncer]
        pool_mode = transaction
        auth_type = any
        listen_addr =
        listen_port = {PORT}
        unix_socket_dir = {directory}
        """,
        encoding="utf-8",
    )
    url = make_conninfo(database_url, host=str(directory), port=PORT)
    user = owner if os.geteuid() == 0 else None
    with subprocess.Popen([PGBOUNCER, "--quiet", configuration], user=user) as process:
        try:
            deadline = time.monotonic() + SECONDS_MAX
            while not _answers(url):
                assert process.poll() is None, "pgbouncer has ended"
                assert time.monotonic() < deadline, "pgbouncer does not answer"
                time.sleep(0.02)
            yield url
        finally:
            process.kill()


def _answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
