"""`python -m app recover`: after an older dump was restored, what came after it."""

import sys
from functools import partial

import click

from app.commands.at_payos import at_payos
from app.commands.configured import configured
from app.commands.on_database import on_database
from app.database.order_codes import OrderCodes
from app.database.pool import Database
from app.errors import AskingStopped, ConfigurationError
from app.payos.fields import INTEGER_MAX
from app.payos.lost import LostOrders, LostOrderSearch
from app.payos.patience import Patience
from app.settings import Settings
from app.texts import dong

CODES_SKIPPED = 1_000_000  # more top-ups than any backup is late


@click.command()
@click.option(
    "--from",
    "first",
    metavar="CODE",
    type=click.IntRange(1, INTEGER_MAX),
    help="The first order code to ask about; by default, the one after the latest that is known.",
)
@click.option(
    "--gap",
    metavar="N",
    type=click.IntRange(min=1, max=CODES_SKIPPED),
    default=1_000,
    show_default=True,
    help="End when PayOS knows none of so many codes in a row.",
)
def recover(first: int | None, gap: int) -> None:
    """Find the orders of top-ups that were opened after the dump that was restored.

    Run it before `serve`. Their money goes to suspense, under the tx_ref that the payer has; those
    that wait for money are closed at PayOS; their codes are not given again. Then run `reconcile`
    for the top-ups of before. Ends with 1 when calls about some of them failed.
    """
    settings = configured(log_level="error")
    channel = settings.payos().client_id
    found = on_database(settings, lambda pool: _search(pool, settings, channel, first, gap))
    _tell(found)
    sys.exit(1 if found.failed else 0)


async def _search(
    pool: Database, settings: Settings, channel: str, first: int | None, gap: int
) -> LostOrders:
    codes = OrderCodes(pool)
    latest = await codes.latest()
    if first is None and latest is None:
        raise ConfigurationError(
            "DATABASE_URL", "there is no top-up to begin after.", "Give --from."
        )
    first = first or (latest or 0) + 1
    # At once, so that whoever opens a top-up meanwhile gets no code that somebody has.
    await codes.skip(max(first, latest or 0) + CODES_SKIPPED)
    click.echo(f"Asking about orders from {first}. To repeat this: --from {first}")
    known = await codes.known(first, first + CODES_SKIPPED)
    async with at_payos(pool.url, settings) as (recording, payments):
        append, patience = recording.appender.append, Patience(partial(click.echo, err=True))
        search = LostOrderSearch(payments.gateway, append, channel, known, patience)
        try:
            return await search.walk(first, gap, settings.reconcile_at_once)
        except AskingStopped:
            _tell(search.found)
            raise


def _tell(found: LostOrders) -> None:
    total = sum(transfer.amount for transfer in found.transfers)
    click.echo(f"asked             {found.asked}")
    click.echo(f"lost orders       {found.orders}, the latest {found.latest}")
    click.echo(f"closed            {found.closed}")
    click.echo(f"money             {len(found.transfers)} transfers of {dong(total)}")
    for lost in found.transfers:
        names = " ".join(lost.tx_refs) or "-"
        click.echo(f"  {lost.fact.event_id}  {dong(lost.amount)}  {lost.outcome}  {names}")
    click.echo(f"unreadable        {found.unreadable}")
    click.echo(f"failed calls      {len(found.failed)}")
    for code, problem in sorted(found.failed.items()):
        click.echo(f"{code}: {problem}", err=True)
    if found.failed:
        click.echo(f"Go on with --from {min(found.failed)}.", err=True)
