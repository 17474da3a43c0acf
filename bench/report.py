"""Keeps what a run measured: bench/results/<date>.json, docs/benchmarks.md and its plots.

A run on another PostgreSQL has a place of its own in both, and no plots.
"""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bench.figures import OURS, Figure, spread
from bench.places import PAGE, Place
from bench.plots import plot

IMAGES = "images"


def keep(figures: Sequence[Figure], rounds: int, postgres: str, place: Place) -> Path:
    """Writes all of it; the words of the page around the measured part stay."""
    moment = datetime.now(UTC)
    machine = {"python": platform.python_version(), "postgres": postgres, "rounds": rounds}
    file = place.file(f"{moment:%Y-%m-%d}")
    file.parent.mkdir(exist_ok=True)
    kept = {"at": moment.isoformat(timespec="seconds"), **machine}
    kept["figures"] = [asdict(figure) for figure in figures]
    file.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", "utf-8")
    before, _, after = place.around(PAGE.read_text("utf-8"))
    measured = [place.begin, *_page(figures, moment, machine), place.end]
    if not place.other:
        measured[-1:-1] = _plots(figures)
    PAGE.write_text(before + "\n".join(measured) + after, "utf-8")
    return file


def lines(figure: Figure) -> list[str]:
    """For a terminal: each contender's median, and the ratios."""
    head = f"{figure.workload}: {figure.name}, {figure.unit}"
    medians = [f"{name} {spread(values).median:.4g}" for name, values in figure.values.items()]
    ratios = [_ratio(figure, other) for other in figure.others()]
    busy = [f"the client was busy: {name}" for name in figure.busy_clients]
    return [head, *(f"    {line}" for line in ["; ".join(medians), *ratios, *busy])]


def _ratio(figure: Figure, other: str) -> str:
    ratio = figure.ratio(other)
    return f"{ratio.median:.2f} × {other} ({ratio.least:.2f} to {ratio.most:.2f})"


def _page(figures: Sequence[Figure], moment: datetime, machine: dict[str, object]) -> list[str]:
    told = ", ".join(f"{name} {value}" for name, value in machine.items())
    page = [f"Measured {moment:%Y-%m-%d}: {told}.", ""]
    page += ["| workload | figure | napvi | other | ratio, median (least to most) | aim |"]
    page += ["|---|---|---|---|---|---|"]
    return page + [row for figure in figures for row in page_rows(figure)]


def _plots(figures: Sequence[Figure]) -> list[str]:
    """Draws them, and shows them in the page."""
    shown: list[str] = []
    for workload in dict.fromkeys(figure.workload for figure in figures):
        name = f"bench-{workload.replace(' ', '-')}.svg"
        chart = plot([figure for figure in figures if figure.workload == workload])
        (PAGE.parent / IMAGES / name).write_text(chart, "utf-8")
        shown += ["", f"![{workload}]({IMAGES}/{name})"]
    return shown


def page_rows(figure: Figure) -> list[str]:
    ours = f"{spread(figure.values[OURS]).median:.4g} {figure.unit}"
    rows = []
    if not figure.others():
        rows.append((figure.workload, figure.name, ours, "–", "–", _said(figure, None)))
    for other in figure.others():
        ratio = figure.ratio(other)
        theirs = f"{other}: {spread(figure.values[other]).median:.4g}"
        span = f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f})"
        rows.append((figure.workload, figure.name, ours, theirs, span, _said(figure, other)))
    return [f"| {' | '.join(row)} |" for row in rows]


def _said(figure: Figure, other: str | None) -> str:
    """The aims of a row and how they were met; whose client was busy."""
    said = []
    for aim in figure.aims:
        if aim.other == other:
            said.append(f"{aim}: {_met(aim.met(figure.ratio(aim.other).median))}")
    if figure.most is not None:
        met = spread(figure.values[OURS]).median <= figure.most
        said.append(f"at most {figure.most:g} {figure.unit}: {_met(met)}")
    said += [f"client busy: {name}" for name in figure.busy_clients if name in {OURS, other}]
    return "; ".join(said) or "–"


def _met(met: bool) -> str:
    return "met" if met else "missed"
