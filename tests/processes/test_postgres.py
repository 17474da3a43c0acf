"""`python -m app postgres`: the programs of PostgreSQL find the database of the installation."""

import os
from pathlib import Path

import pytest

from tests.payments import query
from tests.processes.commands import command
from tests.processes.payer import until
from tests.processes.terminal import CTRL_C, Terminal

pytestmark = pytest.mark.processes

SLEEPERS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE wait_event = 'PgSleep' AND datname = current_database()
"""
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
    assert await command(elsewhere, "postgres", "/") == (
        126,
        "/ cannot be run: Permission denied.\n",
    )


async def test_ctrl_c_cancels_a_query_and_the_session_goes_on(
    elsewhere: dict[str, str], database_url: str
) -> None:
    async def asleep() -> bool:
        return await query(database_url, SLEEPERS) == [(1,)]

    with Terminal(elsewhere, "postgres", "psql", "--no-psqlrc", "--pset=pager=off") as terminal:
        terminal.type("SELECT pg_sleep(600);\n")
        await until(asleep)
        terminal.type(CTRL_C)
        await terminal.shows("canceling statement due to user request")
        terminal.type("SELECT 6 * 7;\n")
        await terminal.shows("42")
        terminal.type("\\q\n")
        assert await terminal.ended() == 0


async def test_an_interrupted_program_ends_as_a_shell_says_it(elsewhere: dict[str, str]) -> None:
    done = await command(elsewhere, "postgres", "sh", "-c", "kill -INT $$")
    assert done == (130, "")


async def test_an_embedded_server_lives_as_long_as_the_program(
    short_dir: Path, postgres_bin: Path
) -> None:
    if not (postgres_bin / "psql").exists():
        pytest.skip(f"there is no psql in {postgres_bin}")
    data_dir = short_dir / "napvi"
    environment = {"NAPVI_DATA_DIR": str(data_dir), "NAPVI_POSTGRES_BIN": str(postgres_bin)}
    assert await command(environment, "postgres", "psql", *QUERY) == (0, "postgres|postgres\n")
    assert not (data_dir / "postgres" / "postmaster.pid").exists()
