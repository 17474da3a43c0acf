"""`python -m app migrate`: the schema of this version."""

import asyncio

import click

from app.commands.configured import configured
from app.database.migrate import migrate as apply_schema
from app.installation import database


@click.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    settings = configured(log_level="warning")  # the output says what happens
    with database(settings, borrow=True) as url:
        result = asyncio.run(apply_schema(url, click.echo))
    if not result.applied:
        click.echo("The database is up to date.")
