"""Law 5: every event wakes the streams of its top-up, and a payment never depends on that."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier

from app.model import EventType, Topup
from tests.notify_queue import USAGE, half_full
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
        async for notification in connection.notifies(timeout=30, stop_after=expected)
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
    async with open_process(small_queue_url) as process:
        topup = await process.topup(10**9)
        async with listening(small_queue_url, topup) as listener:
            async with half_full(small_queue_url):
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
