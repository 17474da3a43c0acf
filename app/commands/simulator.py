"""`python -m app simulator`: a local PayOS that misbehaves on demand."""

import click

from app.logs import configure_logging
from app.payos.simulator import Simulator, create_simulator
from app.payos.simulator.faults import Fault, read_rates
from app.request_rules import WEBHOOK_PATH
from app.serve import Site, run
from app.settings import Settings
from app.sockets import open_endpoint


@click.command()
@click.option("--bind", metavar="HOST:PORT", default="127.0.0.1:8001", show_default=True)
@click.option(
    "--fault", "faults", metavar="NAME=RATE", multiple=True, help="See docs/simulator.md."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="Of the chance of faults.")
def simulator(bind: str, faults: tuple[str, ...], seed: int) -> None:
    """Run a local PayOS with the credentials of PAYOS_*.

    Set PAYOS_BASE_URL of `serve` to its address. It sends webhooks to NAPVI_PUBLIC_URL, or to
    what confirm-webhook named. With `--fault drop=0.1` one webhook in ten gets lost, and so on.
    """
    settings = Settings.load()
    configure_logging(settings.log_level)
    rates = _rates(faults)
    app = _simulator(settings, settings.public_url)
    app.plan.reset(rates, seed)
    endpoint = open_endpoint(bind, reader_timeout_seconds=settings.reader_timeout_seconds)
    run([Site(app, endpoint)], settings)


def _simulator(settings: Settings, shop_url: str | None) -> Simulator:
    settings.require("payos_client_id", "payos_api_key", "payos_checksum_key")
    return create_simulator(
        settings.payos_client_id or "",
        settings.payos_api_key.get_secret_value() if settings.payos_api_key else "",
        settings.payos_checksum_key[0].get_secret_value(),
        webhook_url=shop_url and shop_url.rstrip("/") + WEBHOOK_PATH,
    )


def _rates(options: tuple[str, ...]) -> dict[Fault, float]:
    """Of NAME=RATE. Raises InvalidRequest, which lists the names there are."""
    pairs = (option.partition("=") for option in options)
    return read_rates({name: _number(rate) for name, _, rate in pairs})


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
