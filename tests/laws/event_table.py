"""The table "Status × event" of docs/events.md, cell by cell."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EVENTS = Path(__file__).parents[2] / "docs" / "events.md"
TITLE = "## Status × event"
NO_TOPUP = "no top-up"
IF_NO_LINK = "*link*"


@dataclass(frozen=True)
class Cell:
    """`standing`: a status or NO_TOPUP; `words`: what the event changes then."""

    event: str
    case: str
    standing: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.event, self.case, "when", self.standing)))


def cells() -> Iterator[Cell]:
    header, _, *rows = _table()
    for event, case, *texts in rows:
        for standing, text in zip(header[2:], texts, strict=True):
            yield Cell(event, case, standing, tuple(text.split(", ")))


def _table() -> list[list[str]]:
    """Of the first table under the title: the cells of each row, without code marks."""
    _, _, below = EVENTS.read_text("utf-8").partition(f"{TITLE}\n")
    table, _, _ = below[below.index("|") :].partition("\n\n")
    return [
        [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]
        for line in table.splitlines()
    ]
