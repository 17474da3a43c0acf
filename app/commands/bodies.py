"""`python -m app bodies`: signed webhooks that could not be read, and what was said of them."""

import re

import click

from app.commands.configured import configured
from app.commands.on_database import on_database
from app.commands.person import one_line, shell_user
from app.database.bodies import UnreadBodies
from app.database.pool import Database
from app.model import iso

SHA256 = re.compile(r"[0-9a-f]{64}")


@click.group()
def bodies() -> None:
    """Webhooks that PayOS signed and that no event came of."""


@bodies.command(name="list")
def list_waiting() -> None:
    """Show what waits for a person, oldest first."""

    async def work(pool: Database) -> None:
        waiting = await UnreadBodies(pool).waiting()
        click.echo(f"Signed webhooks that could not be read: {len(waiting)}")
        for body in waiting:
            click.echo(f"  {body.body_sha256}  {iso(body.received_at)}  {body.fault}")

    on_database(configured(log_level="warning"), work)


def _hash(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not SHA256.fullmatch(value.lower()):
        raise click.BadParameter("is not a SHA-256: 64 hexadecimal digits.")
    return value.lower()


@bodies.command()
@click.argument("sha256", callback=_hash)
@click.option("--reason", required=True, callback=one_line, help="Kept for ever with the hash.")
@click.option("--by", "name", callback=one_line, help="Who says so; this shell's user if unset.")
def dismiss(sha256: str, reason: str, name: str | None) -> None:
    """Say that nothing has to come of the webhook SHA256: it is no money, or is in the books.

    Its bytes are forgotten NAPVI_BODIES_KEPT_DAYS later. It cannot be taken back.
    """

    async def work(pool: Database) -> None:
        said_by = shell_user() if name is None else name
        new = await UnreadBodies(pool).dismiss(sha256, reason, said_by)
        click.echo(f"{sha256} {'is dismissed' if new else 'had been dismissed before'}.")

    on_database(configured(log_level="warning"), work)
