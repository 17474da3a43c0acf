"""`python -m app demo`: everything on this machine."""

import click

from app.commands.configured import configured
from app.demo.demo import run_demo


@click.command()
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
