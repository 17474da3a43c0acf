"""Code, docs/metrics.md and the Grafana dashboard name the same metrics."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from app.metrics.labels import CheckOutcome
from app.metrics.metrics import Metrics

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "metrics.md").read_text("utf-8")
DASHBOARD = (ROOT / "deploy" / "grafana-dashboard.json").read_text("utf-8")
NAME = re.compile(r"\bnapvi_\w+")
SELECTOR = re.compile(r"(napvi_\w+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)=~?"([^"]*)"')
GROUPING = re.compile(r"by \((\w+)\) \(\w+\((napvi_\w+)")
OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that are not ours: of the target, and of buckets."""

LABEL_OF_VALUES = re.compile(r"^\| `(napvi_\w+)` `(\w+)` \|.*\n\|.*\n((?:\|.*\n)+)", re.MULTILINE)


def exported() -> dict[str, str]:
    """The name of each series, to the name of its metric as the documents have it."""
    return {
        sample.name: family.name + ("_total" if family.type == "counter" else "")
        for family in Metrics().registry.collect()
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def labels() -> dict[tuple[str, str], set[str]]:
    """The values that each label of each metric may have."""
    found: dict[tuple[str, str], set[str]] = {}
    for family in Metrics().registry.collect():
        for sample in family.samples:
            for label, value in sample.labels.items():
                if label not in OF_PROMETHEUS and sample.name.endswith("_total"):
                    found.setdefault((sample.name, label), set()).add(value)
    return found


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD)["panels"]
    return found


def charts() -> list[dict[str, Any]]:
    return [panel for panel in panels() if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    for panel in charts():
        yield from (target["expr"] for target in panel["targets"])
    for variable in json.loads(DASHBOARD)["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def alerts() -> list[str]:
    """What stands in the first column of the table of alerts."""
    table = DOCUMENT.partition("## Worth an alert")[2]
    return [found.replace("\\|", "|") for found in re.findall(r"^\| `(.+?)` \|", table, re.M)]


def test_every_metric_has_its_row_with_type_and_labels() -> None:
    documented = re.findall(r"^\| `(napvi_\w+)` \| (\w+) \| (.+?) \|", DOCUMENT, re.M)
    real = {
        (
            exported()[family.samples[0].name],
            family.type,
            ", ".join(f"`{label}`" for name, label in labels() if name == f"{family.name}_total")
            or "–",
        )
        for family in Metrics().registry.collect()
    }
    assert len(documented) == len(set(documented))
    assert set(documented) == real


def test_every_value_of_a_label_has_its_row() -> None:
    documented = {
        (name, label): re.findall(r"^\| `(\w+)` \|", table, re.M)
        for name, label, table in LABEL_OF_VALUES.findall(DOCUMENT)
    }
    assert {key: set(values) for key, values in documented.items()} == labels()
    assert all(len(values) == len(set(values)) for values in documented.values())


def test_the_dashboard_draws_every_metric_and_no_other() -> None:
    drawn = {name for expression in expressions() for name in NAME.findall(expression)}
    assert drawn <= exported().keys()
    assert {exported()[name] for name in drawn} == set(exported().values())


def test_an_alert_asks_for_metrics_that_there_are() -> None:
    named = {name for expression in alerts() for name in NAME.findall(expression)}
    assert named
    assert named <= exported().keys()


def test_every_question_to_payos_that_needs_somebody_has_an_alert() -> None:
    """What is not answered is put off, so it is never overdue."""
    told = {
        value
        for expression in alerts()
        for name, matchers in SELECTOR.findall(expression)
        if name == "napvi_payos_checks_total"
        for _, values in MATCHER.findall(matchers)
        for value in values.split("|")
    }
    assert told == {
        CheckOutcome.HELD,
        CheckOutcome.UNREADABLE,
        CheckOutcome.DENIED,
        CheckOutcome.UNANSWERED,
        CheckOutcome.FAILED,
    }


def test_a_question_names_labels_and_values_that_there_are() -> None:
    known = labels()
    asked = 0
    for expression in (*expressions(), *alerts()):
        for label, name in GROUPING.findall(expression):
            assert label in OF_PROMETHEUS or (name, label) in known, expression
        for name, matchers in SELECTOR.findall(expression):
            for label, values in MATCHER.findall(matchers):
                if label not in OF_PROMETHEUS:
                    assert set(values.split("|")) <= known[name, label], expression
                    asked += 1
    assert asked


@pytest.mark.parametrize("panel", charts(), ids=lambda panel: panel["title"])
def test_a_panel_has_a_unit_and_says_what_to_do(panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert len(panel["description"]) > 60
    assert panel["datasource"]["uid"] == "${datasource}"
    assert all(target["legendFormat"] for target in panel["targets"])


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    assert len({panel["id"] for panel in panels()}) == len(panels())
    places = [panel["gridPos"] for panel in panels()]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        assert (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
