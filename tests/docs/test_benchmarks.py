"""docs/benchmarks.md shows what the newest run of `make bench` measured."""

import json

from bench.figures import OURS, Figure, spread
from bench.report import BEGIN, END, PAGE, RESULTS, page_rows
from tests.docs.test_docs import rows


def newest() -> list[Figure]:
    kept = json.loads(max(RESULTS.glob("*.json")).read_text("utf-8"))
    return [Figure(**figure) for figure in kept["figures"]]


def test_the_page_has_a_place_for_what_is_measured() -> None:
    page = PAGE.read_text("utf-8")
    assert page.count(BEGIN) == page.count(END) == 1
    assert page.index(BEGIN) < page.index(END)


def test_every_figure_of_the_newest_run_is_in_the_page() -> None:
    shown = {tuple(row[:3]) for row in rows("benchmarks.md")}
    measured = {
        (figure.workload, figure.name, f"{spread(figure.values[OURS]).median:.4g} {figure.unit}")
        for figure in newest()
    }
    assert measured
    assert measured <= shown


def test_every_plot_of_the_page_is_there() -> None:
    page = PAGE.read_text("utf-8")
    for workload in {figure.workload for figure in newest()}:
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
