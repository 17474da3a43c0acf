"""Payers who are streaming while workers are restarted or die: they lose nothing."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import pytest

from tests.processes.descendants import descendants
from tests.processes.follower import Follower
from tests.processes.payer import deliver, http_client, log_in, webhook
from tests.processes.shares import connections
from tests.services import Service, StartService

pytestmark = pytest.mark.processes

PAYERS = 8
TOPUPS_PER_PAYER = 2
AMOUNT, PART = 50_000_000, 1_000
PAUSE_SECONDS = 0.01  # between two payments for one top-up
EVENTS_BEFORE = 2  # opened, linked
GAP_SECONDS_MAX = 2.0


@pytest.fixture
def service(environment: dict[str, str], start_service: StartService) -> Service:
    environment["NAPVI_STREAM_RETRY_SECONDS"] = "0.5"
    environment["NAPVI_DRAIN_WAIT_SECONDS"] = "1"
    service = start_service("--workers", "2")
    service.wait_for("event=workers.serving")
    return service


class Load:
    """Partial payments for every top-up until `finish`, then the rest of its amount."""

    def __init__(self, service: Service, payos: httpx.AsyncClient, *, insist: bool) -> None:
        self.followers: list[Follower] = []
        self.payments: list[int] = []
        self._service = service
        self._payos = payos
        self._insist = insist
        self._finish = asyncio.Event()

    def finish(self) -> None:
        self._finish.set()

    async def pay(self, topup: dict[str, Any]) -> None:
        paid = 0
        while not self._finish.is_set():
            await self._deliver(webhook(topup, PART))
            paid += 1
            await asyncio.sleep(PAUSE_SECONDS)
        await self._deliver(webhook(topup, AMOUNT - paid * PART))
        self.payments.append(paid + 1)

    async def _deliver(self, body: bytes) -> None:
        """As PayOS does; with `insist` it tries again when a connection breaks."""
        while True:
            try:
                assert await deliver(self._payos, self._service.url, body) == 200
            except (httpx.RemoteProtocolError, httpx.ReadError):
                if not self._insist:
                    raise
            else:
                return


@asynccontextmanager
async def under_load(service: Service, *, insist: bool = False) -> AsyncIterator[Load]:
    """Inside, top-ups are paid bit by bit and followed; afterwards every follower is complete."""
    async with AsyncExitStack() as stack:
        payos = await stack.enter_async_context(http_client())
        payos.headers["Connection"] = "close"
        load = Load(service, payos, insist=insist)
        topups = []
        for _ in range(PAYERS):
            payer = await stack.enter_async_context(log_in(service.url))
            for _ in range(TOPUPS_PER_PAYER):
                topups.append(await payer.topup(AMOUNT))
                load.followers.append(Follower(payer, topups[-1]["tx_ref"]))
        async with asyncio.timeout(40), asyncio.TaskGroup() as tasks:
            for follower in load.followers:
                tasks.create_task(follower.follow())
            for follower in load.followers:
                await follower.connected.wait()
            paying = [tasks.create_task(load.pay(topup)) for topup in topups]
            yield load
            load.finish()
    assert all(task.done() for task in paying)
    for follower in load.followers:
        assert follower.seqs == list(range(1, len(follower.seqs) + 1))
    states = sum(len(follower.seqs) for follower in load.followers)
    assert states == EVENTS_BEFORE * len(topups) + sum(load.payments)


@pytest.mark.alone
async def test_a_rolling_restart_loses_no_frame_and_refuses_nobody(service: Service) -> None:
    before = descendants(service.pid)
    async with under_load(service) as load, http_client(service.url) as balancer:
        service.send(signal.SIGHUP)
        while "event=workers.restarted" not in service.output:
            answer = await balancer.get("/readyz", headers={"Connection": "close"})
            assert answer.status_code == 200
    assert not before & descendants(service.pid)
    assert [follower.cuts for follower in load.followers] == [0] * len(load.followers)
    longest = max(follower.longest_gap_seconds for follower in load.followers)
    print(f"{sum(load.payments)} payments; longest gap {longest:.2f} s")  # noqa: T201
    assert 0 < longest < GAP_SECONDS_MAX


async def test_who_streamed_from_a_worker_that_died_misses_nothing(service: Service) -> None:
    workers = descendants(service.pid)
    async with under_load(service, insist=True) as load:
        held = connections(service, workers)
        os.kill(max(held, key=lambda pid: held[pid]), signal.SIGKILL)  # chance may favour one
        await asyncio.to_thread(service.wait_for, "event=worker.replaced")
    assert len(descendants(service.pid) - workers) == 1
    assert sum(follower.cuts for follower in load.followers) > 0
