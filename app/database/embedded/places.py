"""Where the embedded PostgreSQL keeps its data and its socket when nobody says so."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from app.database.embedded.account import Identity
from app.errors import DataDirectoryError

SOCKET_PATH_BYTES_MAX = 107  # sun_path of Linux, without its final NUL


def default_data_dir(project_root: Path) -> Path:
    """`.napvi` in the project, or below /var/lib when the server's user could not get there."""
    project_root = project_root.resolve()
    if os.geteuid() != 0 or _open_to_others(project_root):
        return project_root / ".napvi"
    return Path("/var/lib/napvi") / _short_hash(project_root)


def default_run_dir(data_dir: Path) -> Path:
    """A short directory for the socket: the same one for every process that uses `data_dir`."""
    name = _short_hash(data_dir.resolve())
    if os.geteuid() == 0:
        return Path("/run/napvi") / name
    session = Path(f"/run/user/{os.geteuid()}")
    parent = session if os.access(session, os.W_OK) else Path(tempfile.gettempdir())
    return parent / f"napvi-{os.geteuid()}-{name}"


def claim_run_dir(run_dir: Path, identity: Identity) -> None:
    """Makes `run_dir`, for the server's user alone. Raises DataDirectoryError if it is not ours."""
    if len(os.fsencode(run_dir / ".s.PGSQL.5432")) > SOCKET_PATH_BYTES_MAX:
        raise DataDirectoryError(
            f"{run_dir} is too long for a Unix socket ({SOCKET_PATH_BYTES_MAX} bytes in all). "
            "Set TMPDIR to a shorter directory."
        )
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = run_dir.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), identity["user"]}:
        raise DataDirectoryError(f"{run_dir} belongs to somebody else. Remove it.")
    run_dir.chmod(0o700)
    if identity["user"] is not None and identity["group"] is not None:
        os.chown(run_dir, identity["user"], identity["group"])


def _open_to_others(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (path, *path.parents))


def _short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:8]
