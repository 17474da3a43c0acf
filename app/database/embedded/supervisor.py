"""The embedded PostgreSQL: a server of our own, for when DATABASE_URL is not set. Linux only.

The server is a child of this process and shuts down with it, however this process ends. It
listens on a Unix socket that only its user and root can reach; who gets there is trusted. Its
data survive.
"""

import logging
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import Self
from urllib.parse import quote

import psycopg

from app.database.embedded.account import server_identity
from app.database.embedded.binaries import major_version, reachable_binaries
from app.database.embedded.cluster import (
    SERVER_ENVIRONMENT,
    check_version,
    create_cluster,
    take_lock,
)
from app.database.embedded.pidfile import PidFile, environment_after_crash
from app.database.embedded.places import claim_run_dir
from app.database.embedded.process import PORT, server_settings, shut_down, spawn, wait_until_ready
from app.errors import DataDirectoryError

log = logging.getLogger(__name__)


class EmbeddedPostgres:
    """One PostgreSQL server below `data_dir`, reachable through a socket in `run_dir`.

    `durable=False` trades crash safety for speed: for throw-away servers of tests. Use it as a
    context manager, or call `start` and `stop`.
    """

    def __init__(
        self, data_dir: Path, run_dir: Path, *, bin_dir: Path, durable: bool = True
    ) -> None:
        self._data_dir = data_dir.resolve()
        self._cluster = self._data_dir / "postgres"
        self._run_dir = run_dir.absolute()
        self._bin_dir = bin_dir
        self._durable = durable
        self._lock: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def database_url(self, dbname: str = "postgres") -> str:
        """A libpq URI for the superuser."""
        host = quote(str(self._run_dir), safe="")
        return f"postgresql://postgres@/{quote(dbname, safe='')}?host={host}&port={PORT}"

    def is_serving(self) -> bool:
        """Whether a server of this directory accepts connections, whoever started it.

        Lets a second command use the server of the first instead of being refused by `start`.
        """
        found = PidFile.read(self._cluster)
        return found is not None and found.status == "ready" and found.is_alive(self._cluster)

    def start(self) -> None:
        """Returns when the server accepts connections, however long its crash recovery takes.

        Raises DataDirectoryError when the directory is in use, was made by another PostgreSQL or
        cannot be written; ConfigurationError when the binaries are of no use.
        """
        if threading.current_thread() is not threading.main_thread():
            # Linux ends the server when the *thread* that spawned it ends.
            raise RuntimeError("Start the embedded PostgreSQL from the main thread.")
        if self._process is not None:
            raise RuntimeError("The embedded PostgreSQL is running already.")
        try:
            self._start()
        except BaseException as error:
            self.stop()
            if isinstance(error, OSError | psycopg.Error):
                raise DataDirectoryError(
                    f"{self._data_dir} cannot be used: {error}. "
                    "Choose another directory with NAPVI_DATA_DIR."
                ) from error
            raise

    def stop(self) -> None:
        """Ends the server in an orderly way and lets go of the directory. Harmless if stopped."""
        try:
            if self._process is not None:
                shut_down(self._process)
        finally:
            self._process = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def _start(self) -> None:
        started = time.monotonic()
        identity = server_identity(self._cluster)
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if identity["user"] is not None:  # the server's user has to get through, not in
            self._data_dir.chmod(self._data_dir.stat().st_mode | 0o011)
        self._lock = take_lock(self._data_dir)
        claim_run_dir(self._run_dir, identity)
        bin_dir = reachable_binaries(self._bin_dir, identity)
        major = major_version(bin_dir, identity)
        if self._cluster.exists():
            check_version(self._cluster, major)
        else:
            create_cluster(self._cluster, bin_dir, major, identity, durable=self._durable)
        log_path = self._data_dir / "postgres.log"
        self._process = spawn(
            bin_dir / "postgres",
            self._cluster,
            server_settings(self._run_dir, durable=self._durable),
            SERVER_ENVIRONMENT | environment_after_crash(self._cluster),
            identity,
            log_path,
        )
        wait_until_ready(self._process, self._cluster, log_path)
        psycopg.connect(self.database_url()).close()  # what we hand out works
        seconds = time.monotonic() - started
        log.info("event=postgres.started data_dir=%s seconds=%.3f", self._data_dir, seconds)
