"""`python -m app simulator`: a local PayOS that misbehaves on demand, and storms of payments."""

import sys
from functools import partial

import click

from app.commands.configured import configured
from app.commands.seconds import Seconds
from app.commands.storm import weather
from app.http.request_rules import WEBHOOK_PATH
from app.payos.simulator import Simulator, create_simulator
from app.payos.simulator.faults import Rates, read_rates
from app.payos.simulator.storm.mix import storm_rates
from app.server.serving import Site, run, run_during
from app.server.sockets import open_endpoint
from app.settings import Settings

NAPVI_URL = "http://127.0.0.1:8000"
DIFFERENCES_FOUND = 1


@click.command()
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8001", show_default=True)
@click.option(
    "--fault", "faults", metavar="NAME=RATE", multiple=True, help="See docs/simulator.md."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of all chance.")
@click.option("--storm", "payments", type=click.IntRange(min=1), help="So many payments, and end.")
@click.option("--napvi", "napvi_url", metavar="URL", help="Where a storm finds napvi.")
@click.option(
    "--patience",
    metavar="SECONDS",
    type=Seconds(min=0),
    default=240.0,
    show_default=True,
    help="For the last payments of a storm to be settled.",
)
def simulator(
    bind: str,
    faults: tuple[str, ...],
    seed: int,
    payments: int | None,
    napvi_url: str | None,
    patience: float,
) -> None:
    """Run a local PayOS with the credentials of PAYOS_*.

    Set PAYOS_BASE_URL of `serve` to its address. It sends webhooks to NAPVI_PUBLIC_URL, or to
    what confirm-webhook named. With `--fault drop=0.1` one webhook in ten gets lost, and so on.

    With --storm it makes payments at a running napvi, with a mix of all faults, checks the books
    (those in DATABASE_URL too) and ends, with 1 where something does not add up.
    """
    settings = configured(log_level=None if payments is None else "error")
    rates = _rates(faults)
    if payments is None:
        site, _ = _site(settings, bind, settings.public_url, rates, seed)
        run([site], settings)
        return
    url = (napvi_url or settings.public_url or NAPVI_URL).rstrip("/")
    site, app = _site(settings, bind, url, storm_rates(rates), seed)
    if not run_during(site, partial(weather, app, url, payments, patience, settings.database_url)):
        sys.exit(DIFFERENCES_FOUND)


def _site(
    settings: Settings, bind: str, shop_url: str | None, rates: Rates, seed: int
) -> tuple[Site, Simulator]:
    """A simulator of the channel in `settings` that tells the napvi at `shop_url`."""
    channel = settings.payos()
    simulator = create_simulator(
        channel.client_id,
        channel.api_key,
        channel.checksum_keys[0],
        webhook_url=shop_url and shop_url.rstrip("/") + WEBHOOK_PATH,
    )
    simulator.plan.reset(rates, seed)
    endpoint = open_endpoint(bind, reader_timeout_seconds=settings.reader_timeout_seconds)
    return Site(simulator, endpoint), simulator


def _rates(options: tuple[str, ...]) -> Rates:
    """Of NAME=RATE. Raises InvalidRequest, which lists the names there are."""
    pairs = (option.partition("=") for option in options)
    return read_rates({name: _number(rate) for name, _, rate in pairs})


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
