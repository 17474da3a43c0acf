"""`migrate` and `serve` as an operator uses them, with a database and without."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.database.embedded.places import default_run_dir
from tests.processes.commands import command
from tests.processes.payer import http_client
from tests.services import Service

pytestmark = pytest.mark.processes


async def migrate(environment: dict[str, str]) -> str:
    """What it says when it ends well."""
    code, said = await command(environment, "migrate")
    assert code == 0, said
    return said


@pytest.fixture
def machine(environment: dict[str, str], short_dir: Path) -> Iterator[dict[str, str]]:
    """Nothing but a directory: no DATABASE_URL."""
    data_dir = short_dir / "napvi"
    del environment["DATABASE_URL"]
    yield {**environment, "NAPVI_DATA_DIR": str(data_dir)}
    shutil.rmtree(default_run_dir(data_dir), ignore_errors=True)


async def test_migrate_names_each_file_once(empty_database_url: str) -> None:
    environment = {"DATABASE_URL": empty_database_url}
    first = (await migrate(environment)).splitlines()
    assert first[0] == "migrations/0001_accounts.sql"
    assert "functions/append_events.sql" in first
    assert await migrate(environment) == "The database is up to date.\n"


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_without_a_database_of_its_own_napvi_brings_one(
    workers: str, machine: dict[str, str]
) -> None:
    assert "migrations/0001_accounts.sql" in await migrate(machine)
    service = Service(machine, "serve", "--workers", workers)
    try:
        async with http_client(service.url) as client:
            assert (await client.get("/readyz")).status_code == 200
        assert await migrate(machine) == "The database is up to date.\n"  # on the same server
    finally:
        service.stop()
