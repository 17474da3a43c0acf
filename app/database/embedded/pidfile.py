"""postmaster.pid: which process serves, or once served, a cluster. PostgreSQL writes it."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from app.errors import DataDirectoryError

SHARED_MEMORY_LINE = 6
STATUS_LINE = 7
SHARED_MEMORY = Path("/proc/sysvipc/shm")
ATTACHED_COLUMN = 6
ORPHAN_SECONDS_MAX = 30.0
POLL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class PidFile:
    """The two lines of it that matter here. `status` is `ready` once connections are accepted."""

    pid: int
    status: str

    @classmethod
    def read(cls, cluster: Path) -> Self | None:
        """None when there is none, or it is still being written."""
        try:
            lines = (cluster / "postmaster.pid").read_text().splitlines()
            return cls(int(lines[0]), lines[STATUS_LINE].strip() if lines[STATUS_LINE:] else "")
        except (OSError, IndexError, ValueError):  # what is wrong, the start will say
            return None

    def is_alive(self, cluster: Path) -> bool:
        """Whether the process is a server of `cluster`, not a zombie nor a recycled number."""
        try:
            arguments = Path(f"/proc/{self.pid}/cmdline").read_bytes().split(b"\0")
        except OSError:
            return False
        program = Path(os.fsdecode(arguments[0])).name  # empty for a zombie
        return program in {"postgres", "postmaster"} and os.fsencode(cluster) in arguments


def environment_after_crash(cluster: Path) -> dict[str, str]:
    """What the next server of `cluster` must know of a postmaster.pid that was left behind.

    For the holder of the directory's lock: a server that still lives is an orphan on its way out,
    so wait for it. Otherwise its number may by now be another process's, or a zombie's, and
    PostgreSQL would refuse to start; PG_GRANDPARENT_PID names a process that does not count. The
    file stays, because PostgreSQL finds the shared memory of the last server with it.

    So are the children of one that was killed, which hold its shared memory until they notice.

    Raises DataDirectoryError when the orphan does not end.
    """
    deadline = time.monotonic() + ORPHAN_SECONDS_MAX
    while (left := PidFile.read(cluster)) and left.is_alive(cluster):
        if time.monotonic() > deadline:
            raise DataDirectoryError(
                f"{cluster} is served by process {left.pid}, which napvi does not supervise. "
                f"Stop it: kill -INT {left.pid}"
            )
        time.sleep(POLL_SECONDS)
    while _leaves_children(cluster) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return {} if left is None else {"PG_GRANDPARENT_PID": str(left.pid)}


def _leaves_children(cluster: Path) -> bool:
    """Whether processes are attached to the shared memory that the file names, by key and id.

    Ids alone begin anew after a restart of the machine, which the file outlives.
    """
    try:
        segment = (cluster / "postmaster.pid").read_text().splitlines()[SHARED_MEMORY_LINE].split()
        known = [line.split() for line in SHARED_MEMORY.read_text().splitlines()[1:]]
        named = _key_and_id(segment)
        return any(_key_and_id(row) == named and row[ATTACHED_COLUMN] != "0" for row in known)
    except (OSError, IndexError, ValueError):
        return False


def _key_and_id(columns: Sequence[str]) -> tuple[int, int]:
    """A key is 32 bits of an inode: PostgreSQL widens it without a sign, the kernel prints one."""
    return int(columns[0]) % 2**32, int(columns[1])
