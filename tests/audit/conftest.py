"""The fixed history, and the accountant who reads it: a login with the role topup_auditor alone."""

from collections.abc import AsyncIterator

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from tests.audit.history import write_history
from tests.payments import Process, connected, open_process

LOGIN = "an_accountant"


@pytest.fixture
async def history_url(database_url: str) -> str:
    await write_history(database_url)
    return database_url


@pytest.fixture
async def auditor(history_url: str) -> AsyncIterator[AsyncConnection]:
    """Made with the two lines of docs/auditing.md. Roles belong to the cluster: afterwards gone."""
    async with connected(history_url) as superuser:
        await superuser.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD 'made up'")
        await superuser.execute(f"GRANT topup_auditor TO {LOGIN}")
        try:
            url = make_conninfo(history_url, user=LOGIN)
            async with await AsyncConnection.connect(url, autocommit=True) as connection:
                yield connection
        finally:
            await superuser.execute(f"DROP ROLE {LOGIN}")


@pytest.fixture
async def process(database_url: str) -> AsyncIterator[Process]:
    async with open_process(database_url) as process:
        yield process
