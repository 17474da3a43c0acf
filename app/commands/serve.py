"""`python -m app serve`, in one process or several, and the process that it starts for each."""

import sys
from functools import partial

import click

from app.commands.configured import configured
from app.factory import create_app
from app.installation import database
from app.processes import raise_file_limit
from app.server.serving import Site, run
from app.server.sockets import inherit_endpoint, open_endpoint, parse_workers
from app.server.worker import tell_serving
from app.server.workers import run_workers


@click.command()
@click.option("--bind", metavar="HOST:PORT", help="Instead of `bind` in hypercorn.toml.")
@click.option("--workers", metavar="N", help="Processes, instead of `workers` in hypercorn.toml.")
def serve(bind: str | None, workers: str | None) -> None:
    """Serve. Without DATABASE_URL, on an embedded PostgreSQL.

    SIGTERM drains. SIGHUP restarts several workers one after another; one alone drains and ends.
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


@click.command(hidden=True)
@click.option("--socket", "sockets", metavar="FD", type=int, multiple=True, required=True)
@click.option("--serving", metavar="FD", type=int, required=True)
def worker(sockets: tuple[int, ...], serving: int) -> None:
    """What `serve --workers` starts: not for people."""
    settings = configured()
    app = create_app(settings)
    site = Site(app, inherit_endpoint(sockets), app.open, app.turn_away, app.drain)
    run([site], settings, partial(tell_serving, serving))
