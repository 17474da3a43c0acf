"""The way from a commit to the streams breaks; the sweep is too rare to help."""

import asyncio

from tests.bulk import open_topups
from tests.faults.follower import Follower, all_saw, following
from tests.faults.load import Load
from tests.faults.relay_thread import relay_thread
from tests.faults.serving import MARKS, Serve
from tests.payments import query
from tests.processes.payer import until

pytestmark = MARKS

TOPUPS = 50
TRANSFERS = 3
KILL = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'napvi-listener' AND datname = current_database()
"""


async def test_a_listener_that_is_killed_three_times_under_load_costs_no_follower_anything(
    database_url: str, serve: Serve
) -> None:
    service = serve(database_url)
    topups = await open_topups(service.url, database_url, TOPUPS)
    followers = [Follower([service.url], topup.tx_ref, topup.cookie) for topup in topups]
    load = Load([service.url], topups, TRANSFERS)

    async def kill() -> bool:
        return await query(database_url, KILL) == [(1,)]

    async with following(followers):
        await all_saw(followers, 1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.pay(per_second=60))
            for _ in range(3):
                await asyncio.sleep(0.5)  # of load
                await until(kill)
    assert all(follower.is_whole(load.head) for follower in followers)
    assert load.refused == 0
    assert service.output.count("event=listener.lost") >= 3
    await load.check_the_books(database_url)


async def test_a_listener_that_hears_nothing_any_more_is_replaced(
    database_url: str, serve: Serve
) -> None:
    with relay_thread(database_url) as relay:
        service = serve(database_url, LISTEN_DATABASE_URL=relay.url)
        topups = await open_topups(service.url, database_url, TOPUPS)
        followers = [Follower([service.url], topup.tx_ref, topup.cookie) for topup in topups]
        load = Load([service.url], topups, TRANSFERS)
        async with following(followers):
            await all_saw(followers, 1)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(load.pay(per_second=60))
                await asyncio.sleep(1)  # of load
                relay.forget()
        assert all(follower.is_whole(load.head) for follower in followers)
        assert load.refused == 0
        assert relay.connections >= 2
        await load.check_the_books(database_url)
