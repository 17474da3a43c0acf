"""Law 5: every event wakes the streams of its top-up, and a payment never depends on that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from app.database.embedded.account import server_identity
from app.database.embedded.binaries import major_version
from app.database.embedded.supervisor import EmbeddedPostgres
from app.database.migrate import migrate
from app.model import EventType, Topup
from tests.payments import (
    UNKNOWN_ORDER,
    Process,
    about,
    connected,
    linked,
    open_process,
    query,
    transfer,
)
from tests.postgres import check_the_laws

SMALLEST_QUEUE_PAGES = 64
FIRST_WITH_A_QUEUE_SETTING = 17
USAGE = "SELECT pg_notification_queue_usage()"


@asynccontextmanager
async def listening(url: str, *topups: Topup) -> AsyncIterator[AsyncConnection]:
    async with connected(url) as connection:
        for topup in topups:
            channel = Identifier(f"topup:{topup.tx_ref}")
            await connection.execute(SQL("LISTEN {}").format(channel))
        yield connection


async def received(connection: AsyncConnection, expected: int) -> list[tuple[str, str]]:
    """Channel and payload of what comes, at least `expected` of them if they come at all."""
    return [
        (notification.channel.removeprefix("topup:"), notification.payload)
        async for notification in connection.notifies(timeout=5, stop_after=expected)
    ]


async def test_every_event_wakes_the_channel_of_its_topup(
    process: Process, database_url: str
) -> None:
    topup, other = await process.topup(), await process.topup()
    async with listening(database_url, topup, other) as connection:
        await process.store.append_events([linked(topup.tx_ref)])
        await process.store.append_events([transfer(other.order_code, 1_000)])
        await process.store.append_events([about(topup.tx_ref, EventType.TOPUP_CANCELLED)])
        assert await received(connection, 3) == [
            (topup.tx_ref, "2"),
            (other.tx_ref, "2"),
            (topup.tx_ref, "3"),
        ]


async def test_two_events_of_one_transaction_are_two_notifications(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    async with listening(database_url, topup) as connection:
        await process.store.append_events(
            [transfer(topup.order_code, 1_000), transfer(topup.order_code, 1_000)]
        )
        assert await received(connection, 2) == [(topup.tx_ref, "2"), (topup.tx_ref, "3")]


async def test_whoever_inserts_an_event_wakes_the_streams(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    async with listening(database_url, topup) as connection:
        async with connected(database_url, "topup_owner") as psql:
            await psql.execute(
                """
                INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
                VALUES (gen_random_uuid(), %s, 2, 'topup.expired', '{}', clock_timestamp())
                """,
                (topup.tx_ref,),
            )
        assert await received(connection, 1) == [(topup.tx_ref, "2")]


async def test_a_duplicate_and_money_in_suspense_wake_nobody(
    process: Process, database_url: str
) -> None:
    topup = await process.topup()
    fact = transfer(topup.order_code, 1_000)
    await process.store.append_events([fact])
    async with listening(database_url, topup) as connection:
        await process.store.append_events([fact, transfer(UNKNOWN_ORDER, 1_000)])
        await process.store.append_events([linked(topup.tx_ref)])
        assert await received(connection, 1) == [(topup.tx_ref, "3")]


async def test_a_rollback_wakes_nobody(process: Process, database_url: str) -> None:
    topup = await process.topup()
    async with listening(database_url, topup) as connection:
        async with (
            connected(database_url, "topup_owner") as psql,
            psql.transaction(force_rollback=True),
        ):
            await psql.execute("SELECT topup.notify_topup(%s, 99)", (topup.tx_ref,))
        await process.store.append_events([linked(topup.tx_ref)])
        assert await received(connection, 1) == [(topup.tx_ref, "2")]


async def test_payments_commit_while_the_queue_is_full_and_notify_again_after(
    small_queue_url: str,
) -> None:
    """A session that listens and sits in a transaction keeps the queue of the whole server."""
    async with (
        open_process(small_queue_url) as process,
        connected(small_queue_url) as culprit,
        connected(small_queue_url) as noise,
    ):
        topup = await process.topup(10**9)
        async with listening(small_queue_url, topup) as listener:
            async with culprit.transaction():
                await culprit.execute("LISTEN anything")
            async with culprit.transaction():
                await culprit.execute("SELECT 'holds the tail of the queue'")
                await fill_half(noise)
                full = await query(small_queue_url, USAGE)
                for _ in range(20):
                    facts = [transfer(topup.order_code, 1_000) for _ in range(64)]
                    await process.store.append_events(facts)
                assert await query(small_queue_url, USAGE) == full
            await process.store.append_events([transfer(topup.order_code, 1_000)])
            last = str(1 + 20 * 64 + 1)
            assert await received(listener, 1) == [(topup.tx_ref, last)]
        assert (await process.store.wallet(topup.user_id)).balance == (20 * 64 + 1) * 1_000
    check_the_laws(small_queue_url)


async def fill_half(connection: AsyncConnection) -> None:
    usage = (0.0,)
    while usage[0] < 0.5:
        await connection.execute(
            "SELECT pg_notify('noise', n || repeat('x', 7000)) FROM generate_series(1, 10) AS n"
        )
        usage = await (await connection.execute(USAGE)).fetchone() or usage


@pytest.fixture
async def small_queue_url(short_dir: Path, postgres_bin: Path) -> AsyncIterator[str]:
    """A server of its own, whose notification queue is as small as it can be."""
    data_dir = short_dir / "data"
    if major_version(postgres_bin, server_identity(data_dir)) < FIRST_WITH_A_QUEUE_SETTING:
        pytest.skip("max_notify_queue_pages came with PostgreSQL 17; 8 GB cannot be filled here")
    server = EmbeddedPostgres(data_dir, short_dir / "run", bin_dir=postgres_bin, durable=False)
    with server:
        async with connected(server.database_url()) as connection:
            setting = SQL("ALTER SYSTEM SET max_notify_queue_pages = {}")
            await connection.execute(setting.format(SMALLEST_QUEUE_PAGES))
    with server:
        await migrate(server.database_url())
        yield server.database_url()
