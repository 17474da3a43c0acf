"""LISTEN through pgbouncer in transaction mode is accepted, and delivers nothing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from app.errors import ConfigurationError
from tests.stream.conftest import Eventually, StartListener

PGBOUNCER = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
PORT = 6432  # only a part of the socket's name


@pytest.fixture
def pooler_url(empty_database_url: str, short_dir: Path) -> Iterator[str]:
    if PGBOUNCER is None:
        pytest.skip("pgbouncer is not installed")
    server = conninfo_to_dict(empty_database_url)
    # pgbouncer refuses root; the owner of the server's socket may connect to it.
    owner = Path(str(server["host"]), f".s.PGSQL.{server['port']}").stat().st_uid
    short_dir.chmod(0o777)
    configuration = short_dir / "pgbouncer.ini"
    configuration.write_text(
        f"""
        [databases]
        * = host={server["host"]} port={server["port"]} user={server["user"]}
        [pgbouncer]
        pool_mode = transaction
        auth_type = any
        listen_addr =
        listen_port = {PORT}
        unix_socket_dir = {short_dir}
        """,
        encoding="utf-8",
    )
    user = owner if os.geteuid() == 0 else None
    with subprocess.Popen([PGBOUNCER, "--quiet", configuration], user=user) as process:
        try:
            yield make_conninfo(empty_database_url, host=str(short_dir), port=PORT)
        finally:
            process.kill()


async def test_a_listener_behind_a_transaction_pooler_refuses_to_start(
    pooler_url: str, start_listener: StartListener, eventually: Eventually
) -> None:
    await eventually(lambda: answers(pooler_url))
    with pytest.raises(ConfigurationError, match="transaction pooler such as pgbouncer") as refused:
        await start_listener(conninfo=pooler_url)
    assert refused.value.setting == "LISTEN_DATABASE_URL"
    assert answers(pooler_url)


def answers(url: str) -> bool:
    try:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False
