"""docs/benchmarks.md shows what the newest runs of `make bench` measured."""

import json
from pathlib import Path

import pytest

from bench.figures import OURS, Figure, spread
from bench.places import PAGE, Place
from bench.report import keep, page_rows
from tests.docs.test_docs import cells

MAIN, POSTGRES_15 = Place(), Place("15")
PLACES = pytest.mark.parametrize("place", [MAIN, POSTGRES_15], ids=["main", "postgres15"])


def newest(place: Place) -> list[Figure]:
    file = place.newest()
    kept = json.loads(file.read_text("utf-8")) if file else {"figures": []}
    return [Figure(**figure) for figure in kept["figures"]]


def test_the_page_has_a_place_for_each_that_is_measured() -> None:
    page = PAGE.read_text("utf-8")
    assert MAIN.is_in(page)
    assert POSTGRES_15.is_in(MAIN.around(page)[2])


@PLACES
def test_every_figure_of_the_newest_run_is_in_its_place(place: Place) -> None:
    _, measured, _ = place.around(PAGE.read_text("utf-8"))
    shown = {tuple(row[:3]) for row in cells(measured)}
    assert {
        (figure.workload, figure.name, f"{spread(figure.values[OURS]).median:.4g} {figure.unit}")
        for figure in newest(place)
    } <= shown


def test_there_was_a_whole_run() -> None:
    assert newest(MAIN)


def test_every_plot_of_the_page_is_there() -> None:
    page = PAGE.read_text("utf-8")
    for workload in {figure.workload for figure in newest(MAIN)}:
        image = f"images/bench-{workload}.svg"
        assert f"({image})" in page
        assert (PAGE.parent / image).read_text("utf-8").startswith("<svg")


def test_a_figure_says_whose_client_was_busy() -> None:
    figure = Figure("streams", "streams opened", "1/s")
    figure.add(OURS, 400.0, client_cpu=0.1)
    figure.add("nchan", 9_000.0, client_cpu=0.6)
    figure.add("peer", 300.0, client_cpu=0.5)
    nchan, peer = page_rows(figure)
    assert nchan.endswith("| client busy: nchan |")
    assert peer.endswith("| – |")


def test_a_bound_is_told_beside_another_contender() -> None:
    figure = Figure("streams", "memory of a stream", "KiB", most=20.0)
    figure.add(OURS, 21.0)
    figure.add("nchan", 16.0)
    assert [row.split(" | ")[-1] for row in page_rows(figure)] == ["at most 20 KiB: missed |"]


def test_a_run_on_another_postgresql_replaces_its_own_part_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "benchmarks.md"
    main = f"before {MAIN.begin}main{MAIN.end} between "
    page.write_text(f"{main}{POSTGRES_15.begin}old{POSTGRES_15.end} after", "utf-8")
    monkeypatch.setattr("bench.report.PAGE", page)
    monkeypatch.setattr("bench.places.RESULTS", tmp_path / "results")
    figure = Figure("appends", "1 client", "events/s", values={OURS: [3.0], "bare INSERT": [6.0]})

    file = keep([figure], 1, "15", POSTGRES_15)

    assert file == POSTGRES_15.newest()
    assert MAIN.newest() is None
    before, measured, after = POSTGRES_15.around(page.read_text("utf-8"))
    assert (before, after) == (main, " after")
    assert ["appends", "1 client", "3 events/s", "bare INSERT: 6"] in [
        row[:4] for row in cells(measured)
    ]
    assert "svg" not in measured
