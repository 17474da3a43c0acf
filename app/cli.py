"""`python -m app`: finds the command in app.commands, and nothing else.

A command is imported when it is called for: most need neither the web service nor the simulator.
"""

import errno
import os
import sys
from importlib import import_module
from types import MappingProxyType

import click

from app.errors import NapviError
from app.processes import REFUSED

MODULES = MappingProxyType(
    {
        "audit": "audit",
        "bodies": "bodies",
        "checkpoint": "checkpoint",
        "demo": "demo",
        "export": "export",
        "migrate": "migrate",
        "postgres": "postgres",
        "prune": "prune",
        "rebuild": "rebuild",
        "reconcile": "reconcile",
        "recover": "recover",
        "schema": "schema",
        "serve": "serve",
        "simulator": "simulator",
        "suspense": "suspense",
        "webhook": "webhook",
        "worker": "serve",
    }
)
"""The module of app.commands that has each command, under the command's name."""

OF_FILES = frozenset(
    (
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
        *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EBADF),
    )
)
"""What is wrong with a file or a disk, and not with us."""


def main() -> None:
    """Runs the command line. What the operator can mend becomes one sentence, never a traceback: a
    NapviError, and what is wrong with a file or a disk."""
    try:
        commands(prog_name="python -m app")
    except NapviError as error:
        click.echo(f"napvi: {' '.join(str(error).split())}", err=True)
        sys.exit(REFUSED)
    except OSError as error:
        if error.errno not in OF_FILES:
            raise
        place = "" if error.filename is None else f"{error.filename}: "
        click.echo(f"napvi: {place}{error.strerror}.", err=True)
        _drop_output()
        sys.exit(REFUSED)


def _drop_output() -> None:
    """Or Python would try, and complain, once more at its end."""
    if sys.stdout is None:  # it was closed before the start
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class Commands(click.Group):
    """All of app.commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        module = import_module(f"app.commands.{MODULES[cmd_name]}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=Commands)
def commands() -> None:
    """Take PayOS payments into wallets. Settings come from the environment: docs/settings.md."""
