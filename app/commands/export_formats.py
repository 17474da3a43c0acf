"""Rows as CSV and as JSON lines."""

import csv
import json
from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import date, datetime
from types import MappingProxyType
from typing import TextIO

from app.database.export import Row
from app.model import iso

Write = Callable[[Iterable[Row]], None]


def csv_writer(kind: type[Row], out: TextIO) -> Write:
    """RFC 4180, with a header; null is empty, what is no single value is JSON."""
    writer = csv.writer(out)
    writer.writerow([field.name for field in fields(kind)])

    def write(rows: Iterable[Row]) -> None:
        writer.writerows([_cell(value) for value in vars(row).values()] for row in rows)

    return write


def json_lines_writer(kind: type[Row], out: TextIO) -> Write:
    """One object a line; numbers are numbers, times are ISO 8601 with their offset."""

    def write(rows: Iterable[Row]) -> None:
        out.writelines(f"{_json(vars(row))}\n" for row in rows)

    return write


FORMATS = MappingProxyType[str, Callable[[type[Row], TextIO], Write]](
    {"csv": csv_writer, "jsonl": json_lines_writer}
)


def _cell(value: object) -> object:
    return _json(value) if isinstance(value, dict | list) else _text(value)


def _text(value: object) -> object:
    """Times as both formats have them, anything else as it prints; what csv knows, as it is."""
    match value:
        case datetime():
            return iso(value)
        case date():
            return value.isoformat()
        case None | int() | str():
            return value
        case _:
            return str(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_text)
