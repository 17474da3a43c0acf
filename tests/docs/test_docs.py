"""Documents and code list the same things."""

import re
import tomllib
from pathlib import Path
from typing import TypeVar

import app.errors
from app.cli import MODULES
from app.errors import NapviError, Problem
from app.factory import VERSION
from app.model import EventType
from app.payos.simulator.faults import FAULTS
from app.representations import TopupStatus
from app.settings import REQUIRED_TO_SERVE, Settings, environment_name

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

E = TypeVar("E", bound=NapviError)


def rows(document: str) -> list[list[str]]:
    """The cells of every table row of a document, without their code marks."""
    return cells((DOCS / document).read_text("utf-8"))


def cells(text: str) -> list[list[str]]:
    table = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table]


def kinds(root: type[E]) -> list[type[E]]:
    """`root` and every error of app/errors.py below it."""
    children = [child for child in root.__subclasses__() if child.__module__ == root.__module__]
    return [root, *(kind for child in children for kind in kinds(child))]


def test_every_setting_has_its_row_with_the_default() -> None:
    documented = {row[0]: row[1] for row in rows("settings.md") if row[0].isupper()}
    defaults = {
        environment_name(name): "–" if field.default is None else str(field.default)
        for name, field in Settings.model_fields.items()
        if name not in REQUIRED_TO_SERVE
    }
    required = {environment_name(name) for name in REQUIRED_TO_SERVE}
    assert documented.keys() == defaults.keys() | required
    assert {name: documented[name] for name in defaults} == defaults
    seconds = [row[2] for row in rows("settings.md") if "_SECONDS" in row[0] and len(row) == 4]
    assert set(seconds) == {"seconds"}


def test_the_version_is_the_same_everywhere() -> None:
    metadata = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert metadata["project"]["version"] == VERSION


def test_the_changelog_has_each_heading_once() -> None:
    for version in (ROOT / "CHANGELOG.md").read_text("utf-8").split("\n## ")[1:]:
        headings = re.findall(r"^### (\w+)$", version, re.MULTILINE)
        assert headings == sorted(
            {*headings} & {"Added", "Changed", "Fixed", "Removed", "Security"}
        )


def test_every_problem_has_its_row_with_the_status() -> None:
    documented = {(row[0], row[1]) for row in rows("errors.md") if row[1].isdecimal()}
    assert documented == {(problem.code, str(problem.http_status)) for problem in kinds(Problem)}


def test_the_error_tree_is_drawn_as_it_is() -> None:
    drawn = re.findall(r"[├└]── (\w+)(?: +(\d+))?", app.errors.__doc__ or "")
    real = [
        (kind.__name__, str(kind.http_status) if kind in kinds(Problem)[1:] else "")
        for kind in kinds(NapviError)[1:]
    ]
    assert sorted(drawn) == sorted(real)


def test_every_refusal_of_a_command_has_its_row() -> None:
    table = (DOCS / "errors.md").read_text("utf-8").partition("## Refusals to start")[2]
    refusals = set(kinds(NapviError)[1:]) - set(kinds(Problem))
    assert {row[0] for row in cells(table)[2:]} == {refusal.__name__ for refusal in refusals}


def test_every_command_has_its_row_with_the_role_that_it_needs() -> None:
    table = (DOCS / "auditing.md").read_text("utf-8").partition("What each command needs")[2]
    commands = " ".join(row[0] for row in cells(table.partition("## ")[0])[2:])
    assert MODULES.keys() - {"worker"} <= {*re.findall(r"\w+", commands)}


def test_every_sqlstate_of_the_schema_has_its_row() -> None:
    sql = "".join(path.read_text("utf-8") for path in (ROOT / "sql").rglob("*.sql"))
    raised = set(re.findall(r"ERRCODE = '(TU\d+)'", sql))
    documented = {row[0] for row in rows("errors.md") if row[0].startswith("TU")}
    assert documented == raised


def test_every_function_that_the_application_may_call_has_its_row() -> None:
    doors, readers = set[str](), set[str]()
    for entry in (ROOT / "sql" / "schema.txt").read_text("utf-8").split("\n\n"):
        function = re.match(r"(?:FUNCTION|AGGREGATE) \w+\.(\w+)", entry)
        if function and "topup_app may EXECUTE" in entry:
            (doors if "SECURITY DEFINER" in entry else readers).add(function[1])
    section = (DOCS / "architecture.md").read_text("utf-8").partition("## The database")[2]
    documented = [
        {name.split(".")[-1].strip("`") for row in cells(table) for name in row[0].split(", ")}
        for table in re.findall(r"\|---\|---\|\n((?:\|.+\n)+)", section.partition("\n## ")[0])
    ]
    assert documented == [doors, readers]


def test_every_module_has_its_place() -> None:
    text = (DOCS / "architecture.md").read_text("utf-8").partition("## Where what is")[2]
    named = set(re.findall(r"[\w-]+(?:\.py|\.js|/(?=`))", text.partition("\n## ")[0]))
    app = ROOT / "app"
    told_one_by_one = (app, *(app / name for name in ("server", "stream", "payos", "metrics")))
    modules = {path.name for folder in told_one_by_one for path in folder.glob("[!_]*.py")}
    scripts = {path.name for path in (app / "static").glob("*.js")}
    folders = {f"{path.name}/" for path in app.glob("[!_]*/")}
    assert modules | scripts | folders <= named


def test_every_event_type_has_its_row() -> None:
    """What it does in each status: tests/laws/test_status_and_event.py."""
    assert set(EventType) <= {row[0] for row in rows("events.md")}


def test_the_client_knows_every_member_of_a_state() -> None:
    script = (ROOT / "app/static/topup-stream.js").read_text("utf-8")
    [typedef] = re.findall(r"@typedef \{\{(.*?)\}\}[\s*]+TopupUpdate", script, re.DOTALL)
    assert set(re.findall(r"(\w+)\??: ", typedef)) == set(TopupStatus.__annotations__)


def test_every_fault_of_the_simulator_has_its_row() -> None:
    documented = {tuple(row) for row in rows("simulator.md")[2:]}
    assert documented == {(fault, entry.place, entry.sentence) for fault, entry in FAULTS.items()}
