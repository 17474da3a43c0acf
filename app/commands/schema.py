"""`python -m app schema`: what the database has, and whether anybody changed it by hand."""

import asyncio
import difflib
import sys

import click

from app.commands.configured import configured
from app.database.schema_files import SQL_DIR
from app.database.schema_text import read_schema
from app.installation import database

DIFFERENT = 1
GOLDEN = SQL_DIR / "schema.txt"


@click.command()
@click.option("--check", is_flag=True, help="Compare it with the schema of this version.")
def schema(check: bool) -> None:
    """Print the schema of the database: tables, columns, constraints, doors, grants.

    With --check, print what differs from the schema of this version; exit 1 if anything does.
    """
    with database(configured(log_level="warning"), borrow=True) as url:
        found = asyncio.run(read_schema(url))
    if not check:
        click.echo(found.text, nl=False)
        return
    lines = (GOLDEN.read_text("utf-8").splitlines(), found.text.splitlines())
    differences = list(difflib.unified_diff(*lines, "sql/schema.txt", "the database", lineterm=""))
    differences += [f"{name} has another body than in its file" for name in found.foreign]
    for line in differences:
        click.echo(line)
    if found.unseen:
        click.echo(
            f"The text of the views was not compared ({found.unseen}). "
            "Connect to the primary as a role of the application, or as the one that migrates."
        )
    if differences:
        sys.exit(DIFFERENT)
    click.echo("The database has the schema of this version.")
