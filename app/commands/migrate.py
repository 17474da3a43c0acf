"""`python -m app migrate`: the schema of this version."""

import asyncio

import click

from app.commands.configured import configured
from app.commands.seconds import Seconds
from app.database.migrate import WAIT_SECONDS_MAX
from app.database.migrate import migrate as apply_schema
from app.installation import database


@click.command()
@click.option(
    "--wait",
    "wait_seconds_max",
    default=WAIT_SECONDS_MAX,
    show_default=True,
    type=Seconds(0, 86_400),
    metavar="SECONDS",
    help="How long to try for locks that somebody holds; payments go on meanwhile.",
)
def migrate(wait_seconds_max: float) -> None:
    """Bring the database to the schema of this version."""
    settings = configured(log_level="warning")  # the output says what happens
    with database(settings, borrow=True) as url:
        result = asyncio.run(apply_schema(url, click.echo, wait_seconds_max=wait_seconds_max))
    if not result.applied:
        click.echo("The database is up to date.")
