"""`python -m app`: serve, migrate, simulator, demo, and the commands of app.commands."""

import asyncio
import sys
from functools import partial

import click

from app.commands.configured import configured
from app.commands.reconcile import reconcile
from app.commands.schema import schema
from app.commands.simulator import simulator
from app.commands.suspense import suspense
from app.commands.webhook import webhook
from app.database.migrate import migrate as apply_schema
from app.demo import run_demo
from app.errors import NapviError
from app.factory import create_app
from app.installation import database
from app.processes import REFUSED, raise_file_limit
from app.serve import Site, run
from app.sockets import inherit_endpoint, open_endpoint, parse_workers
from app.worker import tell_serving
from app.workers import run_workers


def main() -> None:
    """Runs the command line. A NapviError becomes one sentence, never a traceback."""
    try:
        commands(prog_name="python -m app")
    except NapviError as error:
        click.echo(f"napvi: {' '.join(str(error).split())}", err=True)
        sys.exit(REFUSED)


@click.group()
def commands() -> None:
    """Take PayOS payments into wallets. Settings come from the environment: docs/settings.md."""


for command in (reconcile, schema, simulator, suspense, webhook):
    commands.add_command(command)


@commands.command()
@click.option("--bind", metavar="HOST:PORT", help="Instead of `bind` in hypercorn.toml.")
@click.option("--workers", metavar="N", help="Processes, instead of `workers` in hypercorn.toml.")
def serve(bind: str | None, workers: str | None) -> None:
    """Serve. Without DATABASE_URL, on an embedded PostgreSQL.

    SIGTERM drains; with several workers, SIGHUP restarts them one after another.
    """
    settings = configured()
    settings.require_for_serving()
    raise_file_limit()
    endpoint = open_endpoint(bind, reader_timeout_seconds=settings.reader_timeout_seconds)
    count = endpoint.workers if workers is None else parse_workers(workers)
    with database(settings) as url:
        if count > 1:
            sys.exit(run_workers(count, endpoint, settings, url))
        app = create_app(settings.model_copy(update={"database_url": url}))
        run([Site(app, endpoint, app.open, app.turn_away, app.drain)], settings)


@commands.command(hidden=True)
@click.option("--socket", "sockets", metavar="FD", type=int, multiple=True, required=True)
@click.option("--serving", metavar="FD", type=int, required=True)
def worker(sockets: tuple[int, ...], serving: int) -> None:
    """What `serve --workers` starts: not for people."""
    settings = configured()
    app = create_app(settings)
    site = Site(app, inherit_endpoint(sockets), app.open, app.turn_away, app.drain)
    run([site], settings, partial(tell_serving, serving))


@commands.command()
def migrate() -> None:
    """Bring the database to the schema of this version."""
    settings = configured(log_level="warning")  # the output says what happens
    with database(settings, borrow=True) as url:
        result = asyncio.run(apply_schema(url, click.echo))
    if not result.applied:
        click.echo("The database is up to date.")


@commands.command()
@click.option(
    "--bind",
    metavar="HOST:PORT",
    default="127.0.0.1:8000",
    show_default=True,
    help="An address that your browser reaches; the PayOS simulator takes the next port.",
)
def demo(bind: str) -> None:
    """Start everything on this machine and say how to try it. Ctrl-C ends all of it."""
    run_demo(configured(log_level="warning"), bind)
