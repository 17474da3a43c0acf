"""`migrate` and `serve` as an operator uses them, with a database and without."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.database.embedded.places import default_run_dir
from tests.services import Process, Service

pytestmark = pytest.mark.processes


def run(environment: dict[str, str], *arguments: str) -> str:
    """What a command says that ends well."""
    process = Process(environment, *arguments)
    try:
        assert process.wait() == 0, process.output
    finally:
        process.close()
    return process.output


@pytest.fixture
def machine(environment: dict[str, str], short_dir: Path) -> Iterator[dict[str, str]]:
    """Nothing but a directory: no DATABASE_URL."""
    data_dir = short_dir / "napvi"
    del environment["DATABASE_URL"]
    yield {**environment, "NAPVI_DATA_DIR": str(data_dir)}
    shutil.rmtree(default_run_dir(data_dir), ignore_errors=True)


def test_migrate_names_each_file_once(empty_database_url: str) -> None:
    environment = {"DATABASE_URL": empty_database_url}
    first = run(environment, "migrate").splitlines()
    assert first[0] == "migrations/0001_accounts.sql"
    assert "functions/append_events.sql" in first
    assert run(environment, "migrate") == "The database is up to date.\n"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_without_a_database_of_its_own_napvi_brings_one(
    workers: str, machine: dict[str, str]
) -> None:
    assert "migrations/0001_accounts.sql" in run(machine, "migrate")
    service = Service(machine, "serve", "--workers", workers)
    try:
        assert httpx.get(f"{service.url}/readyz", trust_env=False).status_code == 200
        assert run(machine, "migrate") == "The database is up to date.\n"  # on the same server
    finally:
        service.stop()
