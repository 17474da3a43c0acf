"""Who the embedded PostgreSQL runs as: PostgreSQL refuses to run as root.

As root the server drops uid, gid and groups. The user is a dedicated one and not `nobody`,
because every process of that user is a superuser of the database.
"""

import os
import pwd
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from app.errors import ConfigurationError

SERVER_USER = "napvi"
SERVER_USERS_KNOWN = (SERVER_USER, "postgres")  # in order of preference
USER_EXISTS_STATUS = 9  # of useradd: another process was faster


class Identity(TypedDict):
    """Keyword arguments of `subprocess`: who a child runs as. None: as this process does."""

    user: int | None
    group: int | None
    extra_groups: Sequence[int] | None


def server_identity(cluster: Path) -> Identity:
    """The owner of `cluster` if there is one, else the dedicated user, made when it is missing."""
    if os.geteuid() != 0:
        return Identity(user=None, group=None, extra_groups=None)
    if cluster.exists() and (status := cluster.stat()).st_uid != 0:
        return Identity(user=status.st_uid, group=status.st_gid, extra_groups=[])
    entry = dedicated_user()
    return Identity(user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])


def dedicated_user(names: Sequence[str] = SERVER_USERS_KNOWN) -> pwd.struct_passwd:
    """The first of `names` that exists, else the first, created as a system user."""
    for name in names:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    _create_system_user(names[0])
    return pwd.getpwnam(names[0])


def _create_system_user(name: str) -> None:
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        complaint = done.stderr.strip()
    except OSError as error:
        complaint = str(error)
    else:
        if done.returncode in {0, USER_EXISTS_STATUS}:
            return
    raise ConfigurationError(
        "DATABASE_URL",
        f"is not set, and the embedded PostgreSQL needs a system user, not root ({complaint}).",
        f"Create a system user named {name}, or run napvi as an ordinary user.",
    )
