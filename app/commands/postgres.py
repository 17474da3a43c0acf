"""`python -m app postgres`: psql, pg_dump and their like, on the database of this installation."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.commands.configured import configured
from app.database.embedded.binaries import find_binaries
from app.database.programs import environment_of
from app.installation import database

NO_PROGRAM, PROGRAM_MISSING, SIGNALLED = 126, 127, 128  # as a shell says it


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("program", type=click.UNPROCESSED)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def postgres(program: str, arguments: tuple[str, ...]) -> None:
    """Run a PROGRAM of PostgreSQL, such as psql or pg_dump, where DATABASE_URL leads.

    Without DATABASE_URL, on the embedded server and with the programs that came with it. It is
    started if it does not run, and ends with the command that started it, whoever else uses it.
    """
    settings = configured(log_level="warning")
    with database(settings, borrow=True) as url:
        environment = os.environ | environment_of(url)
        if not settings.database_url:
            bin_dir = find_binaries(settings.postgres_bin)
            environment["PATH"] = f"{bin_dir}{os.pathsep}{environment.get('PATH', os.defpath)}"
        try:
            with _ctrl_c_left_to_the_program():
                done = subprocess.run([program, *arguments], env=environment, check=False)  # noqa: S603
        except FileNotFoundError:
            click.echo(f"{program} is not there: install the client of PostgreSQL.", err=True)
            sys.exit(PROGRAM_MISSING)
        except OSError as error:
            click.echo(f"{program} cannot be run: {error.strerror}.", err=True)
            sys.exit(NO_PROGRAM)
    sys.exit(done.returncode if done.returncode >= 0 else SIGNALLED - done.returncode)


@contextmanager
def _ctrl_c_left_to_the_program() -> Iterator[None]:
    """The terminal sends it SIGINT as well, with which psql cancels a query. Not ignored: that the
    program would inherit."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
