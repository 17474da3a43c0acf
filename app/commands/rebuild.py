"""`python -m app rebuild`: the projections once more from the log, to compare or to replace."""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

import click

from app.commands.configured import configured
from app.commands.progress import progress_bar
from app.database import rebuild as books
from app.database.migrate import check
from app.installation import database

DIFFERENT = 1
EXPORT_AGAIN = (
    "Exports of the ledger are out of date: export it again with --since 0. "
    "The key of an entry is (event_id, account); its id may be another one now."
)


@click.command()
@click.option(
    "--swap",
    is_flag=True,
    help="Replace what differs. Payments wait meanwhile; PayOS is asked about those that gave up.",
)
def rebuild(swap: bool) -> None:
    """Build topups, wallets and ledger from the events, beside the real ones, and compare.

    Nothing is written unless --swap is given. Ends with 1 when something differed.
    """
    settings = configured(log_level="warning")
    with database(settings, borrow=True) as url:
        differences = asyncio.run(_run(url, swap))
    for difference in differences:
        click.echo(f"{difference.projection} {difference.key}")
        for name, (rebuilt, found) in _apart(difference.rebuilt, difference.found).items():
            click.echo(f"  {name}: the log says {rebuilt}, found {found}")
    total = differences[0].total if differences else 0
    if total > len(differences):
        click.echo(f"… and {total - len(differences)} more")
    click.echo(f"Differences: {total}{', replaced' if swap and total else ''}.")
    if swap and differences and differences[0].total_of_ledger:
        click.echo(EXPORT_AGAIN)
    sys.exit(DIFFERENT if differences else 0)


async def _run(url: str, swap: bool) -> list[books.Difference]:
    await check(url)
    with progress_bar("Folding the log") as progress:
        return await books.rebuild(url, progress, swap=swap)


def _apart(
    rebuilt: Mapping[str, Any] | None, found: Mapping[str, Any] | None
) -> dict[str, tuple[str, str]]:
    """The columns that differ, each as JSON; a row that one side lacks is one entry."""
    if rebuilt is None or found is None:
        return {"row": (_said(rebuilt), _said(found))}
    names = [name for name in {**rebuilt, **found} if rebuilt.get(name) != found.get(name)]
    return {name: (_said(rebuilt.get(name)), _said(found.get(name))) for name in names}


def _said(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
