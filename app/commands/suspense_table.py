"""What waits for a person, as tables to read."""

from collections.abc import Sequence
from datetime import timedelta

import click

from app.database.review import Conflict, SuspenseTransfer, Totals
from app.texts import dong

NOTHING = "-"
IN_SUSPENSE = ("EVENT", "AMOUNT", "AGE", "WHY", "ORDER", "REFERENCE", "NAMES TOP-UPS")
CONFLICTS = ("EVENT", "AMOUNT", "AGE", "WHY", "TOP-UP", "REFERENCE", "ON RECORD")
AMOUNT_COLUMN = 1
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def print_waiting(
    transfers: Sequence[SuspenseTransfer], conflicts: Sequence[Conflict], totals: Totals
) -> None:
    """Both tables, each with the sum of all that waits; an empty one is one line."""
    click.echo(f"In suspense: {totals.suspense_transfers} ({dong(totals.suspense_vnd)})")
    _print_table(IN_SUSPENSE, [_transfer_cells(transfer) for transfer in transfers])
    _print_rest(totals.suspense_transfers - len(transfers))
    sum_text = dong(totals.conflicts_vnd)
    click.echo(f"Conflicts, not credited: {totals.conflicts_open} ({sum_text})")
    _print_table(CONFLICTS, [_conflict_cells(conflict) for conflict in conflicts])
    _print_rest(totals.conflicts_open - len(conflicts))


def age_text(age: timedelta) -> str:
    """In the largest unit that fits: 3 d, 5 h, 12 min."""
    seconds = int(age.total_seconds())
    for length, unit in UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _transfer_cells(transfer: SuspenseTransfer) -> list[str]:
    return [
        str(transfer.event_id),
        dong(transfer.amount),
        age_text(transfer.age),
        _told(transfer.why),
        _told(transfer.order_code),
        _told(transfer.reference),
        ", ".join(transfer.candidates) or NOTHING,
    ]


def _conflict_cells(conflict: Conflict) -> list[str]:
    recorded = NOTHING
    if conflict.recorded_amount is not None:
        place = conflict.recorded_tx_ref or "suspense"
        recorded = f"{dong(conflict.recorded_amount)} in {place}"
    return [
        str(conflict.event_id),
        dong(conflict.amount),
        age_text(conflict.age),
        conflict.why,
        _told(conflict.tx_ref),
        _told(conflict.reference),
        recorded,
    ]


def _told(value: object) -> str:
    """As it was told, except what a terminal would obey."""
    text = NOTHING if value in (None, "") else str(value)
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _print_rest(rows: int) -> None:
    if rows > 0:
        click.echo(f"  and {rows} more: --limit")


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [
            cell.rjust(width) if column == AMOUNT_COLUMN else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        click.echo(f"  {'  '.join(cells)}".rstrip())
