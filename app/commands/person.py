"""What a person says on the command line, and who that is."""

import getpass
from contextlib import suppress

import click


def one_line(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """A click callback. Raises click.BadParameter."""
    if value is not None and not value.isprintable():  # bytes that are no UTF-8 as well
        raise click.BadParameter("only printable characters, in one line.")
    return value


def shell_user() -> str:
    """The user of this shell; empty, which every door refuses, when nobody knows."""
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return ""
