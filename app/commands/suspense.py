"""`python -m app suspense`: money that waits for a person, and where that person sends it."""

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

import click

from app.commands.configured import configured
from app.commands.on_database import on_database
from app.commands.person import one_line, shell_user
from app.commands.suspense_table import print_waiting
from app.database.pool import Database
from app.database.review import Review
from app.errors import InvalidRequest
from app.model import TxRef, iso, parse_tx_ref

ROWS_MAX = 100
ROWS_ASKED_MAX = 1_000_000  # they are all in memory


@click.group()
def suspense() -> None:
    """Money that belongs to no top-up yet, and transfers that were not credited."""


@suspense.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="For a program: JSON, times in UTC.")
@click.option(
    "--limit",
    "rows_max",
    metavar="ROWS",
    type=click.IntRange(1, ROWS_ASKED_MAX),
    default=ROWS_MAX,
    show_default=True,
    help="At most so many of each kind; what is left out is counted.",
)
def list_waiting(as_json: bool, rows_max: int) -> None:
    """Show what waits for a person, oldest first."""

    async def work(pool: Database) -> None:
        review = Review(pool)
        transfers, conflicts = await review.suspense(rows_max), await review.conflicts(rows_max)
        totals = await review.totals()
        if as_json:
            found = {
                "suspense": [asdict(transfer) for transfer in transfers],
                "conflicts": [asdict(conflict) for conflict in conflicts],
                "left_out": {
                    "suspense": max(0, totals.suspense_transfers - len(transfers)),
                    "conflicts": max(0, totals.conflicts_open - len(conflicts)),
                },
            }
            click.echo(json.dumps(found, default=_as_json, indent=2))
        else:
            print_waiting(transfers, conflicts, totals)

    on_database(configured(log_level="warning"), work)


def _tx_ref(_context: click.Context, _parameter: click.Parameter, value: str) -> TxRef:
    try:
        return parse_tx_ref(value.upper())
    except InvalidRequest as problem:
        raise click.BadParameter(f"{value} is not {problem.fields['tx_ref']}.") from None


@suspense.command()
@click.argument("event_id", type=click.UUID)
@click.argument("tx_ref", callback=_tx_ref)
@click.option("--reason", required=True, callback=one_line, help="Kept for ever with the money.")
@click.option(
    "--by", "name", callback=one_line, help="Who says so; the user of this shell if unset."
)
def assign(event_id: UUID, tx_ref: TxRef, reason: str, name: str | None) -> None:
    """Credit the transfer EVENT_ID to the wallet of the top-up TX_REF.

    EVENT_ID is what `suspense list` shows, of a transfer in suspense or of a conflict. Said again
    it changes nothing; it cannot be taken back or moved to another top-up.
    """

    async def work(pool: Database) -> None:
        said_by = shell_user() if name is None else name
        assignment = await Review(pool).assign(event_id, tx_ref, reason, said_by)
        done = "is credited" if assignment.outcome == "applied" else "had been credited before"
        click.echo(f"{event_id} {done} to {tx_ref}, as its event {assignment.seq}.")

    on_database(configured(log_level="warning"), work)


def _as_json(value: object) -> object:
    match value:
        case datetime():
            return iso(value)
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)
