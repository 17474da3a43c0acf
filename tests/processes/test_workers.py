"""`serve --workers 2`: shared sockets, workers that are replaced, and an end for all of them."""

import asyncio
import os
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import psycopg
import pytest

from tests.processes.commands import command
from tests.processes.descendants import alive, descendants
from tests.processes.greedy import never_reading
from tests.processes.payer import (
    deliver,
    http_client,
    last_status,
    log_in,
    until,
    webhook,
)
from tests.processes.shares import connections
from tests.services import PayOS, Service, StartService, register_webhook

pytestmark = pytest.mark.processes

PAYERS, PAYERS_MAX = 8, 40
"""More while chance, or a moment in which one worker stood still, gave the other all of them."""

SECONDS_MAX = 60.0
STREAMS, STREAMS_MAX, STREAMS_PER_PAYER = 30, 200, 5
NEWER_SCHEMA = (
    "INSERT INTO topup.schema_files (path, sha256)"
    " VALUES ('migrations/9999_tomorrow.sql', sha256('tomorrow'))"
)
OWN_SCHEMA = "DELETE FROM topup.schema_files WHERE path = 'migrations/9999_tomorrow.sql'"


def start_workers(start_service: StartService) -> Service:
    service = start_service("--workers", "2")
    service.wait_for("event=workers.serving workers=2")
    return service


@pytest.fixture
def service(environment: dict[str, str], start_service: StartService, simulator: PayOS) -> Service:
    environment["NAPVI_STREAM_SWEEP_SECONDS"] = "3600"
    service = start_workers(start_service)
    register_webhook(simulator, service)
    return service


async def gone(pids: set[int]) -> None:
    async def none_alive() -> bool:
        return not any(alive(pid) for pid in pids)

    await until(none_alive)


async def test_a_stream_on_any_worker_hears_of_a_webhook_at_any(service: Service) -> None:
    workers = descendants(service.pid)
    assert len(workers) == 2
    topups, opened = [], asyncio.Semaphore(0)
    streams = list[asyncio.Task[str]]()
    async with AsyncExitStack() as logins, http_client() as payos:
        while len(streams) < PAYERS or not all(connections(service, workers).values()):
            assert len(streams) < PAYERS_MAX, "one worker does nothing"
            payer = await logins.enter_async_context(log_in(service.url))
            topups.append(await payer.topup())
            stream = last_status(payer, topups[-1]["tx_ref"], opened)
            streams.append(asyncio.create_task(stream))
            await opened.acquire()
        payos.headers["Connection"] = "close"  # each webhook goes where chance leads it
        for topup in topups:
            assert await deliver(payos, service.url, webhook(topup)) == 200
        async with asyncio.timeout(SECONDS_MAX):  # no sweep comes before
            assert await asyncio.gather(*streams) == ["confirmed"] * len(streams)


async def test_on_sigterm_the_streams_of_all_workers_end_cleanly(service: Service) -> None:
    workers = descendants(service.pid)
    opened, streams = asyncio.Semaphore(0), list[asyncio.Task[str]]()
    async with AsyncExitStack() as logins:
        while len(streams) < STREAMS or not all(connections(service, workers).values()):
            assert len(streams) < STREAMS_MAX, "one worker does nothing"
            payer = await logins.enter_async_context(log_in(service.url))
            tx_ref = (await payer.topup())["tx_ref"]
            for _ in range(STREAMS_PER_PAYER):
                stream = last_status(payer, tx_ref, opened)
                streams.append(asyncio.create_task(stream))
                await opened.acquire()
        assert [os.getsid(pid) for pid in workers] == list(workers), "Ctrl-C would reach it twice"
        service.send(signal.SIGTERM)
        assert await asyncio.gather(*streams) == ["pending"] * len(streams)
        assert await asyncio.to_thread(service.wait) == 0
    assert not any(alive(pid) for pid in workers)
    assert service.output.count("event=server.stopping") == len(workers)
    assert "event=workers.stopped" in service.output
    assert "level=error" not in service.output


async def test_a_killed_supervisor_takes_its_workers_along(environment: dict[str, str]) -> None:
    service = Service(environment, "serve", "--workers", "2")
    try:
        service.wait_for("event=workers.serving")
        workers = descendants(service.pid)
        service.send(signal.SIGKILL)
        await gone(workers)
    finally:
        service.close()
    assert "Traceback" not in service.output


@pytest.mark.alone
async def test_neither_a_client_that_never_reads_nor_a_worker_that_stands_still_holds_it(
    environment: dict[str, str], start_service: StartService
) -> None:
    environment["NAPVI_SHUTDOWN_SECONDS_MAX"] = "2"
    service = start_workers(start_service)
    workers = descendants(service.pid)
    async with never_reading(service):
        (still,) = (pid for pid, held in connections(service, workers).items() if not held)
        os.kill(still, signal.SIGSTOP)
        started = time.monotonic()
        service.send(signal.SIGTERM)
        assert await asyncio.to_thread(service.wait) == 0
    assert 2 < time.monotonic() - started < 12
    assert "event=server.stopped_hard" in service.output
    assert f"event=worker.stopped_hard pid={still}" in service.output
    await gone(workers)


@pytest.mark.breaks_the_laws
async def test_a_worker_that_cannot_be_replaced_is_tried_again(
    service: Service, database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(NEWER_SCHEMA)
        lost, kept = descendants(service.pid)
        os.kill(lost, signal.SIGKILL)
        service.wait_for(rf"event=worker\.lost pid={lost} reason=SIGKILL")
        service.wait_for(r'(?s)(event=worker\.not_started reason="exit_2".*){2}')
        connection.execute(OWN_SCHEMA)
    service.wait_for(rf"event=worker\.replaced pid={lost} reason=SIGKILL")
    assert kept in descendants(service.pid)
    assert len(descendants(service.pid)) == 2


async def test_a_worker_that_never_comes_up_is_not_waited_for(environment: dict[str, str]) -> None:
    environment["NAPVI_WORKER_START_SECONDS_MAX"] = "0.01"
    arguments = ("serve", "--bind", "127.0.0.1:0", "--workers", "2")
    code, said = await command(environment, *arguments)
    assert code == 1
    assert 'event=worker.not_started reason="no answer after 0.01 s"' in said


@pytest.mark.breaks_the_laws
async def test_a_restart_that_fails_leaves_the_old_workers_serving(
    service: Service, database_url: str
) -> None:
    workers = descendants(service.pid)
    with psycopg.connect(database_url) as connection:
        connection.execute(NEWER_SCHEMA)
    service.send(signal.SIGHUP)
    service.wait_for("event=workers.restart_abandoned")
    assert descendants(service.pid) == workers
    async with http_client(service.url) as client:
        assert (await client.get("/readyz")).status_code == 200


def test_what_a_dead_worker_has_measured_is_cleared_away(service: Service) -> None:
    lost = min(descendants(service.pid))
    variables = Path(f"/proc/{lost}/environ").read_text().split("\0")
    (metrics,) = (
        Path(variable.partition("=")[2])
        for variable in variables
        if variable.startswith("PROMETHEUS_MULTIPROC_DIR=")
    )
    gauge, counter = metrics / f"gauge_livesum_{lost}.db", metrics / f"counter_{lost}.db"
    gauge.touch()
    counter.touch()
    os.kill(lost, signal.SIGKILL)
    service.wait_for("event=worker.replaced")
    assert not gauge.exists()
    assert counter.exists(), "what it counted still counts"
    service.stop()
    assert not metrics.exists()
