"""`python -m app prune`: forgets now what running servers would forget within the hour."""

import asyncio

import click

from app.commands.configured import configured
from app.database.migrate import check
from app.database.pool import Database
from app.database.retention import Retention
from app.installation import database
from app.maintenance.pruner import Pruner
from app.metrics.labels import Pruned
from app.metrics.metrics import Metrics
from app.settings import Settings


@click.command()
def prune() -> None:
    """Forget raw bodies, logins and claims that have been kept long enough; never an event.

    Works beside running servers. While one of them prunes, it leaves the work to that one.
    """
    settings = configured(log_level="warning")
    with database(settings, borrow=True) as url:
        pruned = asyncio.run(_run(url, settings))
    for kind, rows in pruned.items():
        click.echo(f"{kind:12} {rows}")


async def _run(url: str, settings: Settings) -> dict[Pruned, int]:
    await check(url)
    pool = Database(url, 1, settings)
    await pool.open()
    try:
        retention = Retention(pool, settings)
        return await Pruner(retention.prune, Metrics(), settings.prune_seconds).round()
    finally:
        await pool.close()
