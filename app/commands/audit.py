"""`python -m app audit`: every proof of the books, on a live system."""

import asyncio
import sys

import click

from app.commands.configured import configured
from app.database.proofs import FINDINGS_SHOWN_MAX, PROOFS, findings, one_snapshot
from app.installation import database

FOUND = 1


@click.command()
def audit() -> None:
    """Prove the books, reading one moment of the database. Ends with 1 on any finding.

    DATABASE_URL may be that of an auditor: nothing but schema audit is read.
    """
    settings = configured(log_level="warning")
    with database(settings, borrow=True) as url:
        contradicted = asyncio.run(_prove(url))
    if contradicted:
        click.echo(f"{contradicted} of {len(PROOFS)} proofs found something.")
        sys.exit(FOUND)
    click.echo(f"All {len(PROOFS)} proofs hold.")


async def _prove(url: str) -> int:
    """How many proofs found something; each is said as soon as it is known."""
    contradicted = 0
    async with one_snapshot(url) as connection:
        with click.progressbar(PROOFS, label="Proving the books", file=sys.stderr) as proofs:
            for proof in proofs:
                found = await findings(connection, proof)
                contradicted += bool(found)
                _say(proof.claim, found)
    return contradicted


def _say(claim: str, found: list[str]) -> None:
    click.echo(f"{'FOUND' if found else 'holds'}  {claim}")
    for finding in found[:FINDINGS_SHOWN_MAX]:
        click.echo(f"       {finding}")
    if len(found) > FINDINGS_SHOWN_MAX:
        click.echo("       … and more")
