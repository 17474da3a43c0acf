"""The postgres process: started as a direct child, waited for, shut down."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from app.database.embedded.account import Identity
from app.database.embedded.pidfile import PidFile
from app.errors import DataDirectoryError
from app.processes import die_with_parent

PORT = 5432  # only names the socket; there is no TCP
POLL_SECONDS = 0.01
STOP_SECONDS_MAX = 30.0  # for the last checkpoint; an aborted server recovers at its next start
LOG_LINES_IN_ERROR = 5
THROW_AWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


def server_settings(run_dir: Path, *, durable: bool) -> list[str]:
    """`name=value` settings: a private Unix socket in `run_dir` and nothing else."""
    settings = ["listen_addresses=", f"port={PORT}", f"unix_socket_directories={run_dir}"]
    settings += ["unix_socket_permissions=0700"]
    return settings if durable else [*settings, *THROW_AWAY]


def spawn(
    program: Path,
    cluster: Path,
    settings: list[str],
    environment: Mapping[str, str],
    identity: Identity,
    log_path: Path,
) -> subprocess.Popen[bytes]:
    """Starts `program` on `cluster`, in a session of its own: Ctrl-C is for this process alone."""
    if log_path.exists():
        log_path.replace(log_path.with_name(f"{log_path.name}.1"))
    output = os.open(log_path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        return subprocess.Popen(  # noqa: S603
            [program, "-D", cluster, *(f"--{setting}" for setting in settings)],
            cwd="/",
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(),  # noqa: PLW1509 takes no lock: two system calls
            **identity,
        )
    finally:
        os.close(output)


def wait_until_ready(process: subprocess.Popen[bytes], cluster: Path, log_path: Path) -> None:
    """Returns when the server accepts connections, however long a crash recovery takes.

    Raises DataDirectoryError with its last words if it ends instead.
    """
    while PidFile.read(cluster) != PidFile(process.pid, "ready"):
        if process.poll() is not None:
            last_words = log_path.read_text(errors="replace").splitlines()[-LOG_LINES_IN_ERROR:]
            raise DataDirectoryError(
                f"PostgreSQL ended while it started in {cluster}: {' / '.join(last_words)} "
                f"({log_path})"
            )
        time.sleep(POLL_SECONDS)


def shut_down(process: subprocess.Popen[bytes]) -> None:
    """A fast shutdown: open transactions are rolled back. If that takes too long, an abort."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait()
