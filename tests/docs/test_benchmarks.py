"""docs/benchmarks.md shows what the newest run of `make bench` measured."""

import json

from bench.figures import OURS, Figure, spread
from bench.report import BEGIN, END, PAGE, RESULTS
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
