"""`python -m app postgres`: the programs of PostgreSQL find the database of the installation."""

import os
from pathlib import Path

import pytest

from tests.processes.commands import command

pytestmark = pytest.mark.processes

QUERY = ("--no-align", "--tuples-only", "--command=SELECT current_user, current_database()")


@pytest.fixture
def elsewhere(database_url: str, postgres_bin: Path) -> dict[str, str]:
    if not (postgres_bin / "psql").exists():
        pytest.skip(f"there is no psql in {postgres_bin}")
    return {"DATABASE_URL": database_url, "PATH": f"{postgres_bin}{os.pathsep}{os.environ['PATH']}"}


async def test_a_program_runs_where_database_url_leads(elsewhere: dict[str, str]) -> None:
    assert await command(elsewhere, "postgres", "psql", *QUERY) == (0, "postgres|test\n")


async def test_it_ends_as_the_program_did(elsewhere: dict[str, str]) -> None:
    assert (await command(elsewhere, "postgres", "psql", "--command=SELECT nothing"))[0] == 1
    assert await command(elsewhere, "postgres", "no-such-program") == (
        127,
        "no-such-program is not there: install the client of PostgreSQL.\n",
    )


async def test_an_embedded_server_lives_as_long_as_the_program(
    short_dir: Path, postgres_bin: Path
) -> None:
    if not (postgres_bin / "psql").exists():
        pytest.skip(f"there is no psql in {postgres_bin}")
    data_dir = short_dir / "napvi"
    environment = {"NAPVI_DATA_DIR": str(data_dir), "NAPVI_POSTGRES_BIN": str(postgres_bin)}
    assert await command(environment, "postgres", "psql", *QUERY) == (0, "postgres|postgres\n")
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
