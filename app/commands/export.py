"""`python -m app export`: the log or the ledger as a file, from which no row is missing."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import TextIO

import click

from app.commands.configured import configured
from app.commands.export_formats import FORMATS
from app.commands.on_database import on_database
from app.commands.seconds import Seconds
from app.database.export import ExportedEntry, ExportedEvent, Exports, Row
from app.errors import ExportRefused

READ_SECONDS_MAX = 60.0  # of a log that nobody has read for long
KINDS = MappingProxyType[str, type[Row]]({"events": ExportedEvent, "ledger": ExportedEntry})


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is wanted: rows with since < id <= until, as `what` and in the form `form`."""

    what: str
    form: str
    since: int
    until: int | None
    wait_seconds: float


@click.command()
@click.option(
    "--since",
    metavar="ID",
    type=click.IntRange(min=0),
    required=True,
    help="Rows after this id: 0, or what the last export said at its end.",
)
@click.option("--until", metavar="ID", type=click.IntRange(min=0), help="None after this id.")
@click.option("--what", type=click.Choice([*KINDS]), default="events", show_default=True)
@click.option("--format", "form", type=click.Choice([*FORMATS]), default="jsonl", show_default=True)
@click.option(
    "--to",
    "place",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Instead of the standard output. It is there once it is complete.",
)
@click.option(
    "--wait",
    "wait_seconds",
    metavar="SECONDS",
    type=Seconds(0, 3_600),
    default=30.0,
    show_default=True,
    help="How long, at most, for transactions that are writing.",
)
def export(
    since: int, until: int | None, what: str, form: str, place: Path | None, wait_seconds: float
) -> None:
    """Write the log of events or the ledger, by id, up to where nothing can come in between.

    The last line on the standard error says how to go on. Works beside running servers.
    """
    wanted = ExportRequest(what, form, since, until, wait_seconds)
    on_database(
        configured(log_level="warning"),
        lambda pool: _export(Exports(pool), wanted, place),
        statement_seconds=wait_seconds + READ_SECONDS_MAX,
        as_auditor=True,
    )


async def _export(exports: Exports, wanted: ExportRequest, place: Path | None) -> None:
    kind = KINDS[wanted.what]
    horizon = (await exports.horizon(wanted.wait_seconds)).of(kind)
    if wanted.since > horizon:
        raise ExportRefused(
            f"--since {wanted.since} lies beyond the {wanted.what}, which end at id {horizon}. "
            "If an older state of the database was restored, begin again with --since 0."
        )
    until = horizon if wanted.until is None else max(wanted.since, min(wanted.until, horizon))
    count, place_in_log = 0, wanted.since
    with (
        _opened(place) as out,
        click.progressbar(length=until - wanted.since, label="Exporting", file=sys.stderr) as bar,
    ):
        write = FORMATS[wanted.form](kind, out)
        async for rows in exports.rows(kind, wanted.since, until):
            write(rows)
            count += len(rows)
            bar.update(rows[-1].id - place_in_log)
            place_in_log = rows[-1].id
        bar.update(until - place_in_log)
    click.echo(
        f"exported {count} rows of {wanted.what} up to id {until}; go on with --since {until}",
        err=True,
    )


@contextmanager
def _opened(place: Path | None) -> Iterator[TextIO]:
    """The standard output, or a file that takes its name when all has been written."""
    if place is None:
        with open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False) as out:
            yield out
        return
    try:
        with _written_to(place) as out:
            yield out
    except OSError as error:
        raise ExportRefused(f"{place} cannot be written: {error.strerror}.") from error


@contextmanager
def _written_to(place: Path) -> Iterator[TextIO]:
    if place.exists() and not place.is_file():  # a pipe or a device: its reader is there already
        with place.open("w", encoding="utf-8", newline="") as out:
            yield out
        return
    target = place.resolve()  # a link stays one
    unfinished = target.with_name(f"{target.name}.{token_hex(4)}.unfinished")
    try:
        with unfinished.open("x", encoding="utf-8", newline="") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
