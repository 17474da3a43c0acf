"""PostgreSQL itself fails: it is away for a while, or its notification queue is full."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest
from psycopg import sql

from tests.bulk import open_topups
from tests.faults.follower import Follower, all_saw, following
from tests.faults.load import Load
from tests.faults.own_postgres import OwnPostgres
from tests.faults.serving import MARKS, Serve
from tests.payments import connected, query
from tests.processes.payer import http_client, until

pytestmark = MARKS

STREAMS = 200
DROPPED = 20
PAGES_MIN = 64
"""Of 8 KiB: the smallest queue that PostgreSQL takes."""

CONNECT_SECONDS = "1"  # so long a webhook waits for a connection
AWAY_SECONDS = 2.5
SWEEP_SECONDS = "1"
HEADS = "SELECT tx_ref, seq FROM topup.topups"


async def ready(url: str) -> bool:
    async with http_client(url) as client:
        return (await client.get("/readyz")).status_code == 200


async def test_a_postgresql_that_crashes_under_two_hundred_streams_costs_them_time_only(
    own_postgres: OwnPostgres, serve: Serve
) -> None:
    service = serve(own_postgres.url, NAPVI_CONNECT_TIMEOUT_SECONDS=CONNECT_SECONDS)
    topups = await open_topups(service.url, own_postgres.url, STREAMS)
    followers = [Follower([service.url], topup.tx_ref, topup.cookie) for topup in topups]
    load = Load([service.url], topups, transfers=1)
    async with following(followers):
        await all_saw(followers, 1)
        await load.pay(per_second=100, webhooks=50)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.pay(per_second=100))
            await asyncio.sleep(0.5)  # of load
            own_postgres.crash()
            for follower in followers[:DROPPED]:
                follower.drop()  # these come back while there is nothing to read
            await asyncio.sleep(AWAY_SECONDS)
            assert not await ready(service.url)
            own_postgres.start()
        await until(lambda: ready(service.url))
    assert all(follower.is_whole(load.head) for follower in followers)
    assert load.refused > 0
    assert not any(follower.breaks for follower in followers[DROPPED:])  # they stayed open
    await load.check_the_books(own_postgres.url)


async def test_a_full_notification_queue_fails_no_payment_and_heals_once_it_can(
    own_postgres: OwnPostgres, serve: Serve
) -> None:
    if own_postgres.major < 17:
        pytest.skip(f"PostgreSQL {own_postgres.major} has no max_notify_queue_pages")
    url = own_postgres.url
    own_postgres.configure("max_notify_queue_pages", str(PAGES_MIN))
    service = serve(url, NAPVI_STREAM_SWEEP_SECONDS=SWEEP_SECONDS)
    topups = await open_topups(service.url, url, STREAMS)
    followers = [Follower([service.url], topup.tx_ref, topup.cookie) for topup in topups]
    load = Load([service.url], topups, transfers=1)
    async with following(followers):
        await all_saw(followers, 1)
        async with sitting_in_a_transaction(url):
            await fill_the_queue(url)
            await load.pay(per_second=150, webhooks=150)
            heads = dict(await query(url, HEADS))
            for follower in followers:  # whom the sweep serves
                await follower.saw(heads[follower.tx_ref])
        async with connected(url) as spy, asyncio.TaskGroup() as tasks:
            for topup in topups:
                await spy.execute(
                    sql.SQL("LISTEN {}").format(sql.Identifier(f"topup:{topup.tx_ref}"))
                )
            tasks.create_task(load.pay(per_second=150))
            assert [_ async for _ in spy.notifies(stop_after=1)]
    assert all(follower.is_whole(load.head) for follower in followers)
    assert load.refused == 0
    await load.check_the_books(url)


@asynccontextmanager
async def sitting_in_a_transaction(url: str) -> AsyncIterator[None]:
    """A client that listens to something and then does nothing: it holds up the whole queue."""
    async with await psycopg.AsyncConnection.connect(url) as culprit:
        await culprit.execute("LISTEN anything")
        await culprit.commit()
        await culprit.execute("SELECT 1")
        yield
        await culprit.rollback()


async def fill_the_queue(url: str) -> None:
    """Until whoever notifies without looking can no longer commit."""
    async with connected(url) as connection:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            for number in itertools.count():
                await connection.execute(
                    "SELECT pg_notify('anything', rpad(%s::text, 7000))", [number]
                )
