"""A backup can be made by a role that may do this and nothing else; docs/auditing.md names it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.backup.recipes import Operator
from tests.docs.test_docs import rows

pytestmark = pytest.mark.processes

NEEDS = {
    "pg_dump": ("pg_read_all_data", "GRANT pg_read_all_data TO a_keeper"),
    "pg_basebackup": ("REPLICATION", "ALTER ROLE a_keeper REPLICATION"),
}


@pytest.fixture
def keeper(
    environment: dict[str, str], database_url: str, short_dir: Path
) -> Iterator[tuple[psycopg.Connection, Operator]]:
    """At first with the role of the application alone."""
    with psycopg.connect(database_url, autocommit=True) as superuser:
        superuser.execute("CREATE ROLE a_keeper LOGIN IN ROLE topup_app")
        try:
            url = make_conninfo(database_url, user="a_keeper")
            yield superuser, Operator(environment | {"DATABASE_URL": url}, short_dir)
        finally:
            superuser.execute("DROP ROLE a_keeper")


@pytest.mark.parametrize("program", NEEDS)
async def test_a_backup_needs_what_its_row_says(
    program: str, keeper: tuple[psycopg.Connection, Operator]
) -> None:
    needed, grant = NEEDS[program]
    [said] = [row[1] for row in rows("auditing.md") if row[0].startswith(f"postgres {program}")]
    assert needed in said
    superuser, operator = keeper
    with pytest.raises(AssertionError, match=r"permission denied"):
        await operator.copy(program)
    superuser.execute(grant.encode())
    await operator.copy(program)
