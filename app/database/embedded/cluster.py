"""The data directory of the embedded PostgreSQL: who holds it, and what is in it.

<data_dir>/lock            held by the one process that supervises the server
<data_dir>/postgres/       the cluster: complete, or not there
<data_dir>/postgres.init/  a cluster being made; thrown away by the next start
<data_dir>/postgres.log    what the server says; postgres.log.1 is of the start before
"""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

from app.database.embedded.account import Identity
from app.errors import DataDirectoryError
from app.processes import die_with_parent

BUILTIN_LOCALE_MAJOR = 17  # the first PostgreSQL whose own C.UTF-8 needs no locale of the system
INITDB_OPTIONS = (
    "--username=postgres",
    "--encoding=UTF8",
    "--auth-local=trust",
    "--auth-host=reject",
    "--no-instructions",
)
SERVER_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": os.defpath}  # ours must not leak in


def take_lock(data_dir: Path) -> int:
    """A descriptor that holds `data_dir` until it is closed or this process dies.

    Raises DataDirectoryError naming the holder. Beside the data and not the socket, so that it
    also holds between containers that share the directory.
    """
    lock = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 32, 0).decode().strip() or "that has just started"
        os.close(lock)
        raise DataDirectoryError(
            f"{data_dir} is in use by process {holder}. Stop that one, or give this one a "
            "directory of its own with NAPVI_DATA_DIR."
        ) from None
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
    return lock


def check_version(cluster: Path, major: int) -> None:
    """Raises DataDirectoryError when PostgreSQL `major` cannot read `cluster`."""
    try:
        made_by = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        raise DataDirectoryError(
            f"{cluster} holds no PostgreSQL cluster, and napvi did not make it. Move it away, or "
            "choose another directory with NAPVI_DATA_DIR."
        ) from None
    if made_by != str(major):
        raise DataDirectoryError(
            f"{cluster} was made by PostgreSQL {made_by}, and this is PostgreSQL {major}. Set "
            f"NAPVI_POSTGRES_BIN to a PostgreSQL {made_by}; to upgrade, dump with that one "
            "(pg_dumpall), move the directory away, start again and restore."
        )


def create_cluster(
    cluster: Path, bin_dir: Path, major: int, identity: Identity, *, durable: bool
) -> None:
    """Makes `cluster`, complete or not at all. Raises DataDirectoryError with initdb's words."""
    unfinished = cluster.with_name(f"{cluster.name}.init")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if identity["user"] is not None and identity["group"] is not None:
        os.chown(unfinished, identity["user"], identity["group"])
    command: list[str | Path] = [bin_dir / "initdb", "-D", unfinished, *INITDB_OPTIONS]
    command += _locale_options(major)
    command += [] if durable else ["--no-sync"]
    done = subprocess.run(  # noqa: S603
        command,
        cwd="/",
        env=SERVER_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=die_with_parent(),
        **identity,
    )
    if done.returncode != 0:
        raise DataDirectoryError(
            f"PostgreSQL could not be set up in {cluster}: {done.stderr.strip()} "
            "Choose another directory with NAPVI_DATA_DIR."
        )
    unfinished.rename(cluster)
    if durable:
        _sync(cluster.parent)  # or a power cut takes the rename, and the next start the data


def _locale_options(major: int) -> list[str]:
    if major >= BUILTIN_LOCALE_MAJOR:
        return ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return ["--locale=C.UTF-8"]


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
