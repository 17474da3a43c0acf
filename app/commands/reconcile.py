"""`python -m app reconcile`: asks PayOS about many top-ups at once, while servers run or not."""

import asyncio
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import click

from app.commands.at_payos import at_payos
from app.commands.configured import configured
from app.commands.on_database import on_database
from app.database.pool import Database
from app.database.reconciliation import Checks
from app.errors import AskingStopped, InvalidRequest, PayOSFailed
from app.model import TxRef, parse_tx_ref
from app.payos.patience import Patience
from app.payos.reconcile import Reconciler
from app.reconciliation import Findings, Order
from app.settings import Settings
from app.texts import dong

PATIENCE_SECONDS = 300.0  # for the list of top-ups; a payment may not take as long
DURATION = re.compile(r"(\d{1,5})([mhd])")
SECONDS_OF_UNIT = {"m": 60, "h": 3600, "d": 86_400}


@dataclass
class Tally:
    """What the whole run brought."""

    asked: int = 0
    failed: dict[TxRef, PayOSFailed] = field(default_factory=dict)
    recovered: list[int] = field(default_factory=list)
    suspended: list[int] = field(default_factory=list)
    closed: int = 0
    linked: int = 0
    held: int = 0
    unreadable: int = 0
    denied: list[int] = field(default_factory=list)
    unknown: int = 0

    def add(self, findings: Findings) -> None:
        self.recovered += findings.recovered
        self.suspended += findings.suspended
        self.closed += findings.closed
        self.linked += findings.linked
        self.held += findings.held
        self.unreadable += findings.unreadable
        self.denied += [findings.denied] if findings.denied else []
        self.unknown += not findings.known

    def lines(self) -> list[str]:
        """The summary, for people."""
        return [
            f"asked             {self.asked}",
            f"credited          {len(self.recovered)} transfers of {dong(sum(self.recovered))}",
            f"in suspense       {len(self.suspended)} transfers of {dong(sum(self.suspended))}",
            f"closed            {self.closed}",
            f"linked            {self.linked}",
            f"held for review   {self.held}",
            f"unreadable        {self.unreadable}",
            f"denied by PayOS   {len(self.denied)} top-ups, {dong(sum(self.denied))}",
            f"unknown at PayOS  {self.unknown}",
            f"failed calls      {len(self.failed)}",
        ]


def moment(context: click.Context, parameter: click.Parameter, text: str) -> datetime:
    """The time that `text` names, or that was as long ago. Raises click.BadParameter."""
    if duration := DURATION.fullmatch(text):
        seconds = int(duration[1]) * SECONDS_OF_UNIT[duration[2]]
        return datetime.now(UTC) - timedelta(seconds=seconds)
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        complaint = f"{text!r} is no time such as 2026-03-01T10:00 and no 90m, 48h or 7d."
        raise click.BadParameter(complaint, context, parameter) from None
    return named if named.tzinfo else named.replace(tzinfo=UTC)


@click.command()
@click.option(
    "--since",
    metavar="TIME|DURATION",
    callback=moment,
    default="48h",
    show_default=True,
    help="What expired or was closed before, and is not open, is left out. A time in UTC unless "
    "it has an offset, or 90m, 48h, 7d ago.",
)
@click.option("--tx-ref", "tx_refs", metavar="T…", multiple=True, help="Only these.")
def reconcile(since: datetime, tx_refs: tuple[str, ...]) -> None:
    """Ask PayOS what its webhooks should have told, and record it.

    Works beside running servers. Ends with 1 when calls about some of them failed.
    """
    try:
        wanted = [parse_tx_ref(text) for text in tx_refs]
    except InvalidRequest as problem:
        raise click.BadParameter(str(problem.fields["tx_ref"]), param_hint="--tx-ref") from None
    settings = configured(log_level="error")  # why calls failed is said at the end
    settings.payos()  # refused before the database is asked
    tally = Tally()
    try:
        on_database(
            settings,
            lambda pool: _run(pool, settings, since, wanted, tally),
            statement_seconds=PATIENCE_SECONDS,
        )
    except AskingStopped:
        _tell(tally)
        raise
    _tell(tally)
    sys.exit(1 if tally.failed else 0)


def _tell(tally: Tally) -> None:
    for line in tally.lines():
        click.echo(line)
    for tx_ref, problem in tally.failed.items():
        click.echo(f"{tx_ref}: {problem}", err=True)


async def _run(
    pool: Database, settings: Settings, since: datetime, tx_refs: Sequence[TxRef], tally: Tally
) -> None:
    book = Checks(pool, settings)
    orders = await (book.orders(tx_refs) if tx_refs else book.orders_since(since))
    for missing in set(tx_refs) - {order.tx_ref for order in orders}:
        raise click.BadParameter(f"there is no top-up {missing}.", param_hint="--tx-ref")
    async with at_payos(pool.url, settings) as (_, payments):
        with click.progressbar(length=len(orders), label="Asking PayOS", file=sys.stderr) as bar:
            waiting, patience = iter(orders), Patience(partial(click.echo, err=True))

            async def work() -> None:
                for order in waiting:
                    await _ask(payments.reconciler, order, patience, tally)
                    bar.update(1)

            try:
                async with asyncio.TaskGroup() as workers:
                    for _ in range(settings.reconcile_at_once):
                        workers.create_task(work())
            except ExceptionGroup as failures:  # the database is away, or PayOS: for all of them
                raise failures.exceptions[0] from failures


async def _ask(reconciler: Reconciler, order: Order, patience: Patience, tally: Tally) -> None:
    tally.asked += 1
    findings = Findings()  # of every attempt: one that fails may have credited something
    try:
        await patience.answer(partial(reconciler.check, order, findings))
    except PayOSFailed as problem:
        tally.failed[order.tx_ref] = problem
    finally:
        tally.add(findings)
