"""What the tests take from npm: installed into a cache, no part of napvi."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

INSTALL = ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
INSTALL_SECONDS_MAX = 120
LOCK = "package-lock.json"


def node_modules(locked: Path, cache: Path) -> Path:
    """What the lock file in `locked` names. Skips where npm is absent or fails; fails in CI.

    One process installs at a time: those that test beside each other share the cache.
    """
    place = cache / locked.name
    wanted = (locked / LOCK).read_bytes()
    done = place / "installed"
    with (cache / f"{locked.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists() or done.read_bytes() != wanted:
            shutil.copytree(locked, place, dirs_exist_ok=True)
            _install(place)
            done.write_bytes(wanted)
    return place / "node_modules"


def _install(place: Path) -> None:
    if shutil.which(INSTALL[0]) is None:
        _give_up("npm is not installed: apt-get install npm")
    try:
        subprocess.run(
            INSTALL,
            cwd=place,
            check=True,
            timeout=INSTALL_SECONDS_MAX,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (error.output or b"").decode(errors="replace")
        _give_up(f"npm could not install {place.name}:\n{said}")


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
