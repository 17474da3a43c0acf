"""A PostgreSQL for one test alone: it may be crashed, started again and configured."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from app.database.embedded.pidfile import PidFile
from app.database.embedded.supervisor import EmbeddedPostgres
from app.database.migrate import migrate
from tests.postgres import copy_cluster, short_directory


class OwnPostgres:
    """It syncs, so that a crash loses nothing that was committed. Use it in the main thread."""

    def __init__(self, directory: Path, bin_dir: Path) -> None:
        self.cluster = directory / "data" / "postgres"
        self._server = EmbeddedPostgres(directory / "data", directory / "run", bin_dir=bin_dir)
        self.url = self._server.database_url()

    def start(self) -> None:
        """Returns once it has recovered."""
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def crash(self) -> None:
        """As `pg_ctl stop -m immediate` does: nothing is finished, nothing is written."""
        found = PidFile.read(self.cluster)
        assert found is not None
        os.kill(found.pid, signal.SIGQUIT)
        self._server.stop()

    def configure(self, name: str, value: str) -> None:
        """Takes effect at once, at the price of a restart."""
        statement = sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), value)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)
        self.stop()
        self.start()

    @property
    def major(self) -> int:
        with psycopg.connect(self.url) as connection:
            return connection.info.server_version // 10_000


@contextmanager
def own_postgres_server(bin_dir: Path, made: Path | None = None) -> Iterator[OwnPostgres]:
    """One that runs, with the schema. `made`: see tests/postgres.py."""
    with short_directory() as directory:
        if made is not None:
            copy_cluster(made, directory / "data")
        server = OwnPostgres(directory, bin_dir)
        server.start()
        try:
            asyncio.run(migrate(server.url))
            yield server
        finally:
            server.stop()
