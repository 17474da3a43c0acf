"""Processes of napvi die or are replaced, while others take webhooks and streams."""

import asyncio
import os
import signal

from tests.bulk import open_topups
from tests.faults.follower import Follower, all_saw, following
from tests.faults.load import Load
from tests.faults.serving import MARKS, Serve
from tests.payments import query
from tests.processes.descendants import alive, descendants
from tests.processes.payer import until

pytestmark = MARKS

TOPUPS = 60
TRANSFERS = 3
WORKERS = 2


async def test_of_two_processes_one_is_killed_and_the_other_serves_everybody(
    database_url: str, serve: Serve
) -> None:
    doomed, survivor = serve(database_url), serve(database_url)
    urls = [doomed.url, survivor.url]
    topups = await open_topups(survivor.url, database_url, TOPUPS)
    followers = [
        Follower(urls[:: 1 if number % 2 else -1], topup.tx_ref, topup.cookie)
        for number, topup in enumerate(topups)
    ]
    load = Load(urls, topups, TRANSFERS)
    async with following(followers):
        await all_saw(followers, 1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.pay(per_second=80))
            await asyncio.sleep(1)  # of load
            doomed.send(signal.SIGKILL)
    assert all(follower.is_whole(load.head) for follower in followers)
    assert sum(follower.breaks > 0 for follower in followers) >= TOPUPS // 2
    assert load.refused > 0
    await load.check_the_books(database_url)


async def test_a_worker_that_is_killed_is_replaced_and_nobody_misses_anything(
    database_url: str, serve: Serve
) -> None:
    service = serve(database_url, "--workers", str(WORKERS))
    topups = await open_topups(service.url, database_url, TOPUPS)
    followers = [Follower([service.url], topup.tx_ref, topup.cookie) for topup in topups]
    load = Load([service.url], topups, TRANSFERS)
    victim = min(descendants(service.pid))

    async def is_replaced() -> bool:
        return not alive(victim) and sum(map(alive, descendants(service.pid))) >= WORKERS

    async with following(followers):
        await all_saw(followers, 1)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(load.pay(per_second=80))
            await asyncio.sleep(1)  # of load
            os.kill(victim, signal.SIGKILL)
        await until(is_replaced)
    assert all(follower.is_whole(load.head) for follower in followers)
    await load.check_the_books(database_url)


async def test_whoever_resumes_gets_exactly_the_rest_from_any_id_at_any_process_at_any_time(
    database_url: str, serve: Serve
) -> None:
    one, other = serve(database_url), serve(database_url)
    here, there = [one.url, other.url], [other.url, one.url]
    (topup,) = await open_topups(one.url, database_url, 1)
    load = Load([other.url], [topup], transfers=12)

    def resuming_everywhere(head: int) -> list[tuple[int, Follower]]:
        """From each id, one that starts here and one that starts there."""
        return [
            (after, Follower(urls, topup.tx_ref, topup.cookie, last_event_id=str(after)))
            for after in range(head + 1)
            for urls in (here, there)
        ]

    await load.pay(per_second=100, webhooks=6)
    ((head,),) = await query(database_url, "SELECT seq FROM topup.topups")
    resumed = resuming_everywhere(head)
    async with following(follower for _, follower in resumed):
        await all_saw((follower for after, follower in resumed if after < head), head)
        here[0] = there[1] = serve(database_url).url
        await asyncio.to_thread(one.stop)
        await load.pay(per_second=20)
    late = resuming_everywhere(load.head)
    async with following(follower for _, follower in late):
        pass
    assert all(follower.is_whole(load.head, after) for after, follower in resumed + late)
    assert all(follower.connections <= 2 for _, follower in late)  # the end, then 204
