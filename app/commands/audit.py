"""`python -m app audit`: every proof of the books, on a live system."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from app.chain.checkpoints import Checkpoint, read_lines
from app.commands.configured import configured
from app.database.proofs import (
    FINDINGS_SHOWN_MAX,
    PROOFS,
    Proof,
    checkpoint_findings,
    findings,
    one_snapshot,
    reach,
    refuse_standby,
)
from app.installation import database

FOUND = 1
KEPT = "the log, computed again, is what the checkpoints kept elsewhere cover"


@click.command()
@click.option(
    "--kept",
    metavar="FILE",
    type=click.File(encoding="utf-8"),
    help="Checkpoints that were kept elsewhere: docs/auditing-chain.md.",
)
def audit(kept: TextIO | None) -> None:
    """Prove the books, reading one moment of the database. Ends with 1 on any finding.

    DATABASE_URL may be that of an auditor: nothing but schema audit is read.
    """
    settings = configured(log_level="warning")
    checkpoints = read_lines(kept) if kept is not None else []
    with database(settings, borrow=True) as url:
        held = asyncio.run(_prove(url, checkpoints))
    if not all(held):
        click.echo(f"{held.count(False)} of {len(held)} proofs found something.")
        sys.exit(FOUND)
    click.echo(f"All {len(held)} proofs hold.")


async def _prove(url: str, kept: Sequence[Checkpoint]) -> list[bool]:
    """Whether each proof holds; it is said as soon as it is known, and then how far they reach."""
    held = []
    steps: list[Proof | None] = [*PROOFS, *([None] if kept else [])]
    async with one_snapshot(url) as connection:
        await refuse_standby(connection)
        with click.progressbar(steps, label="Proving the books", file=sys.stderr) as proofs:
            for proof in proofs:
                if proof is None:
                    claim, found = KEPT, await checkpoint_findings(connection, kept)
                else:
                    claim, found = proof.claim, await findings(connection, proof)
                held.append(not found)
                _say(claim, found)
        for line in await reach(connection):
            click.echo(line)
    return held


def _say(claim: str, found: list[str]) -> None:
    click.echo(f"{'FOUND' if found else 'holds'}  {claim}")
    for finding in found[:FINDINGS_SHOWN_MAX]:
        click.echo(f"       {finding}")
    if len(found) > FINDINGS_SHOWN_MAX:
        click.echo("       … and more")
