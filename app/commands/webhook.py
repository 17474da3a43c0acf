"""`python -m app webhook`: tells PayOS where our webhook is, and says why that fails."""

import asyncio
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

import click

from app.commands.configured import configured
from app.commands.seconds import Seconds
from app.errors import PayOSFailed, WebhookNotConfirmed
from app.http.request_rules import WEBHOOK_PATH
from app.metrics.metrics import Metrics
from app.payos.gateway import Gateway
from app.payos.remedies import remedy_of_failure
from app.payos.webhook_probe import probe
from app.settings import Settings

PAYOS_PATIENCE_SECONDS = 10.0
CONFIRM_TIMEOUT_SECONDS = 2 * PAYOS_PATIENCE_SECONDS
"""PayOS answers only once our webhook did, or once it waited in vain."""

LAST_DIGITS = 4


@click.group()
def webhook() -> None:
    """Where PayOS tells us of payments."""


@webhook.command()
@click.argument("url")
@click.option("--no-check", is_flag=True, help="Do not probe URL from here first.")
@click.option(
    "--patience",
    metavar="SECONDS",
    type=Seconds(0, 60, min_open=True),
    default=PAYOS_PATIENCE_SECONDS,
    show_default=True,
    help="How long URL may take to answer when it is called from here.",
)
def confirm(url: str, no_check: bool, patience: float) -> None:
    """Register URL, https://your-host/api/payos/webhook, as the webhook of the payment channel.

    napvi has to run there with the PAYOS_ settings that are set here: PayOS calls before it
    answers. Unless told otherwise this calls first, from here, without a signature and with one.
    """
    settings = configured(log_level="warning")
    checksum_key = settings.payos().checksum_keys[0]
    _look_at(url)
    patience_seconds = None if no_check else patience
    account = asyncio.run(_confirm(url, settings, checksum_key, patience_seconds))
    whose = f"account …{account[-LAST_DIGITS:]}" if account else "the account of the channel"
    click.echo(f"PayOS tells {url} of every payment into {whose}.")


async def _confirm(
    url: str, settings: Settings, checksum_key: str, patience_seconds: float | None
) -> str:
    """The number of the account. `patience_seconds` None: no probe from here."""
    if patience_seconds is not None:
        await probe(url, checksum_key, patience_seconds)
    patient = {"payos_timeout_seconds": CONFIRM_TIMEOUT_SECONDS, "payos_retries": 0}
    gateway = Gateway(settings.model_copy(update=patient), Metrics())
    try:
        return await gateway.confirm_webhook(url)
    except PayOSFailed as problem:
        raise WebhookNotConfirmed(remedy_of_failure(problem, settings.payos_base_url)) from problem
    finally:
        await gateway.close()


def _look_at(url: str) -> None:
    """Raises WebhookNotConfirmed for an address that PayOS cannot use; warns of a doubtful one."""
    try:
        parts = urlsplit(url)
        usable = parts.port != 0 and bool(parts.hostname)
    except ValueError:  # a port that is none, half an IPv6 address
        usable = False
    if not usable or not url.isprintable() or " " in url:
        raise WebhookNotConfirmed(f"{url!a} is no URL with a host. {_example('your-host')}")
    local = _is_loopback(parts)
    if parts.scheme != "https" and not (parts.scheme == "http" and local):
        complaint = "PayOS needs an https:// address; http:// is for a simulator on this machine."
        raise WebhookNotConfirmed(f"{url}: {complaint} {_example(parts.netloc)}")
    if parts.path != WEBHOOK_PATH:
        said = f"the path is {parts.path or '/'}, and napvi's is {WEBHOOK_PATH}"
        click.echo(f"Note: {said}; that works only if a proxy changes it.", err=True)
    if local:
        click.echo("Note: this address leads nowhere from outside this machine.", err=True)


def _example(host: str) -> str:
    return f"Write https://{host}{WEBHOOK_PATH}."


def _is_loopback(parts: SplitResult) -> bool:
    host = parts.hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
