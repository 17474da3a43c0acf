"""`python -m app postgres`: psql, pg_dump and their like, on the database of this installation."""

import os
import subprocess
import sys

import click

from app.commands.configured import configured
from app.database.embedded.binaries import find_binaries
from app.database.programs import environment_of
from app.installation import database

PROGRAM_MISSING = 127  # as a shell says it


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("program", type=click.UNPROCESSED)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def postgres(program: str, arguments: tuple[str, ...]) -> None:
    """Run a PROGRAM of PostgreSQL, such as psql or pg_dump, where DATABASE_URL leads.

    Without DATABASE_URL, on the embedded server and with the programs that came with it; it is
    started if it does not run.
    """
    settings = configured(log_level="warning")
    with database(settings, borrow=True) as url:
        environment = os.environ | environment_of(url)
        if not settings.database_url:
            bin_dir = find_binaries(settings.postgres_bin)
            environment["PATH"] = f"{bin_dir}{os.pathsep}{environment.get('PATH', os.defpath)}"
        try:
            done = subprocess.run([program, *arguments], env=environment, check=False)  # noqa: S603
        except FileNotFoundError:
            click.echo(f"{program} is not there: install the client of PostgreSQL.", err=True)
            sys.exit(PROGRAM_MISSING)
    sys.exit(done.returncode)
