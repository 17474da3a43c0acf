"""`python -m app checkpoint`: proofs of the log, to be kept where no administrator of it writes."""

import asyncio
import sys
from collections.abc import Sequence
from typing import TextIO

import click

from app.chain.checkpoints import Checkpoint, read_lines
from app.commands.configured import configured
from app.commands.on_database import on_database
from app.commands.progress import progress_bar
from app.database.chain import Chain
from app.database.chain_rows import FINDINGS_MAX, ComputedChain, compute_again
from app.database.migrate import check
from app.database.pool import Database
from app.database.proofs import one_snapshot
from app.installation import database

PATIENCE_SECONDS = 3600.0  # the whole log is read; a payment may not take as long
SEALED_AT_ONCE = 1_000


@click.group(invoke_without_command=True)
@click.option(
    "--to",
    "file",
    metavar="FILE",
    type=click.File("a", encoding="utf-8", lazy=False),
    help="Add the line to this file as well.",
)
@click.pass_context
def checkpoint(context: click.Context, file: TextIO | None) -> None:
    """Seal what is recorded, take a checkpoint, and print it as one line of JSON.

    Keep the lines where nobody who can write the database can write: docs/auditing-chain.md.
    """
    if context.invoked_subcommand is not None:
        return

    async def work(pool: Database) -> str:
        chain = Chain(pool)
        while await chain.seal(SEALED_AT_ONCE):
            pass
        return (await chain.take_checkpoint()).line()

    settings = configured(log_level="warning")
    line = on_database(settings, work, statement_seconds=PATIENCE_SECONDS)
    click.echo(line)  # first: the checkpoint is taken, whether there is room for it or not
    if file is not None:
        file.write(f"{line}\n")
        file.flush()


@checkpoint.command()
@click.argument("file", type=click.File(encoding="utf-8"))
def verify(file: TextIO) -> None:
    """Compute the chain again from its events, and compare it with the checkpoints in FILE.

    Works beside running servers, and for an auditor: no function of the database is asked. Ends
    with 1 when something was changed behind the doors.
    """
    kept = read_lines(file)
    with database(configured(log_level="warning"), borrow=True) as url:
        chain = asyncio.run(_compute_again(url, kept))
    for finding in chain.findings:
        click.echo(f"{finding.what}: {finding.detail}")
    click.echo(f"{chain.events} sealed events; {chain.unsealed} have no seal yet.")
    covered = max((one.events for one in kept), default=0)
    click.echo(f"{len(kept)} checkpoints kept elsewhere cover the first {covered} events.")
    more = " or more" if len(chain.findings) == FINDINGS_MAX else ""
    click.echo(f"{len(chain.findings)}{more} findings.")
    sys.exit(1 if chain.findings else 0)


async def _compute_again(url: str, kept: Sequence[Checkpoint]) -> ComputedChain:
    await check(url, reads_audit_only=True)
    with progress_bar("Computing the chain") as progress:
        async with one_snapshot(url) as connection:
            return await compute_again(connection, kept, progress)
