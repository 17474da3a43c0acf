"""A notification queue that can be filled: PostgreSQL's own has 8 GB.

- `small_queue_url`  a migrated database on a server of its own with a queue of 512 kB
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from psycopg import AsyncConnection

from app.database.embedded.account import server_identity
from app.database.embedded.binaries import major_version
from app.database.embedded.supervisor import EmbeddedPostgres
from app.database.migrate import migrate
from tests.payments import connected
from tests.postgres import copy_cluster

SMALLEST_QUEUE_PAGES = 64
FIRST_WITH_A_QUEUE_SETTING = 17
USAGE = "SELECT pg_notification_queue_usage()"


@pytest.fixture
async def small_queue_url(
    short_dir: Path, postgres_bin: Path, made_cluster: Path
) -> AsyncIterator[str]:
    data_dir = short_dir / "data"
    if major_version(postgres_bin, server_identity(data_dir)) < FIRST_WITH_A_QUEUE_SETTING:
        pytest.skip("max_notify_queue_pages came with PostgreSQL 17; 8 GB cannot be filled here")
    copy_cluster(made_cluster, data_dir)
    with (data_dir / "postgres" / "postgresql.auto.conf").open("a") as settings:
        settings.write(f"max_notify_queue_pages = {SMALLEST_QUEUE_PAGES}\n")
    server = EmbeddedPostgres(data_dir, short_dir / "run", bin_dir=postgres_bin, durable=False)
    with server:
        await migrate(server.database_url())
        yield server.database_url()


@asynccontextmanager
async def half_full(url: str) -> AsyncIterator[None]:
    """A session that listens and sits in a transaction keeps the queue of the whole server.

    Once it is over there is room: its backend, and those that listen, read the queue when they are
    idle, a little after their clients know that.
    """
    async with connected(url) as culprit, connected(url) as noise:
        await culprit.execute("LISTEN anything")
        async with culprit.transaction():
            await culprit.execute("SELECT 'holds the tail of the queue'")
            while await _usage(noise) < 0.5:
                await noise.execute(
                    "SELECT pg_notify('noise', n || repeat('x', 7000))"
                    " FROM generate_series(1, 10) AS n"
                )
            yield
        while await _usage(noise) >= 0.5:  # noqa: ASYNC110 the database sets no event
            await asyncio.sleep(0.005)


async def _usage(connection: AsyncConnection) -> float:
    [(usage,)] = await (await connection.execute(USAGE)).fetchall()
    return float(usage)
