"""Where runs are kept: each in a file of its day, the newest in docs/benchmarks.md."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS, PAGE = ROOT / "bench" / "results", ROOT / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Place:
    """Of the runs on one PostgreSQL: between two marks of the page, and in a file of its day.

    `other`: the major version of another PostgreSQL than the embedded one.
    """

    other: str = ""

    @property
    def begin(self) -> str:
        return f"<!-- measured{self._suffix}: begin -->"

    @property
    def end(self) -> str:
        return f"<!-- measured{self._suffix}: end -->"

    def file(self, day: str) -> Path:
        return RESULTS / f"{day}{self._suffix}.json"

    def newest(self) -> Path | None:
        """The file of the latest run, if there was one."""
        return max(RESULTS.glob(self.file("????-??-??").name), default=None)

    def is_in(self, page: str) -> bool:
        return page.count(self.begin) == page.count(self.end) == 1

    def around(self, page: str) -> tuple[str, str, str]:
        """What is before its part of `page`, its part, and what is after."""
        before, _, rest = page.partition(self.begin)
        measured, _, after = rest.partition(self.end)
        return before, measured, after

    @property
    def _suffix(self) -> str:
        return f"-postgres{self.other}" if self.other else ""


def place_for(other: str) -> Place:
    """Ends the run when the page has none, before anything was measured in vain."""
    place = Place(other)
    if not place.is_in(PAGE.read_text("utf-8")):
        raise SystemExit(f"{PAGE.name} has no place for this: add {place.begin} and {place.end}.")
    return place
