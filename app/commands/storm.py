"""`python -m app simulator --storm N`: payments through a running napvi, then the books."""

import sys

import click

from app.database.books import read_books
from app.model import Books
from app.payos.simulator import Simulator
from app.payos.simulator.storm.driver import Storm
from app.payos.simulator.storm.report import DIFFERENCES_SHOWN_MAX, Report


async def weather(
    simulator: Simulator,
    napvi_url: str,
    payments: int,
    patience_seconds: float,
    database_url: str | None,
) -> bool:
    """Says what happened; whether nothing happened that must not. `simulator` is being served."""
    before = await _books(database_url)
    label = f"{payments} payments, seed {simulator.plan.seed}"
    with click.progressbar(length=payments, label=label, file=sys.stderr) as bar:
        storm = Storm(simulator, napvi_url, payments, patience_seconds, lambda: bar.update(1))
        tally = await storm.run()
    report = Report(tally, simulator, before, await _books(database_url))
    for line in report.lines():
        click.echo(line)
    differences = report.differences()
    for difference in differences[:DIFFERENCES_SHOWN_MAX]:
        click.echo(f"DIFFERENCE          {difference}")
    click.echo(f"differences         {len(differences)}")
    return not differences


async def _books(database_url: str | None) -> Books | None:
    return await read_books(database_url) if database_url else None
