"""`python -m app prune`: forgets now what running servers would forget within the hour."""

import click

from app.commands.configured import configured
from app.commands.on_database import on_database
from app.database.pool import Database
from app.database.retention import Retention
from app.maintenance.pruner import Pruner
from app.metrics.labels import Pruned
from app.metrics.metrics import Metrics


@click.command()
def prune() -> None:
    """Forget what has been kept long enough: raw bodies, logins, guesses, claims; never an event.

    Works beside running servers. While one of them prunes, it leaves the work to that one.
    """
    settings = configured(log_level="warning")

    async def work(pool: Database) -> dict[Pruned, int]:
        retention = Retention(pool, settings)
        return await Pruner(retention.prune, Metrics(), settings.prune_seconds).round()

    for kind, rows in on_database(settings, work).items():
        click.echo(f"{kind:12} {rows}")
