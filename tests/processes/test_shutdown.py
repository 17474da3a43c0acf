"""SIGTERM, SIGHUP: streams end cleanly, requests finish, and nobody can hold the process."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack

import psycopg
import pytest

from tests.processes.greedy import never_reading
from tests.processes.payer import deliver, http_client, last_status, log_in, until, webhook
from tests.services import Service, StartService

pytestmark = pytest.mark.processes

PAYERS = 10
STREAMS_PER_PAYER = 5

BLOCKED = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('tuple', 'transactionid')"
)


@pytest.mark.alone
async def test_fifty_streams_end_cleanly_and_nobody_has_to_be_cut_off(
    service: Service,
) -> None:
    opened, streams = asyncio.Semaphore(0), []
    async with AsyncExitStack() as logins:
        for _ in range(PAYERS):
            payer = await logins.enter_async_context(log_in(service.url))
            tx_ref = (await payer.topup())["tx_ref"]
            for _ in range(STREAMS_PER_PAYER):
                streams.append(asyncio.create_task(last_status(payer, tx_ref, opened)))
        for _ in streams:
            await opened.acquire()
        started = time.monotonic()
        service.send(signal.SIGTERM)
        assert await asyncio.gather(*streams) == ["pending"] * len(streams)
        code = await asyncio.to_thread(service.wait)
    assert time.monotonic() - started < 8  # who has to be cut off holds it for ten
    assert code == 0
    assert "event=server.stopped" in service.output
    assert "level=error" not in service.output


async def test_a_hangup_drains_one_process_as_sigterm_does(service: Service) -> None:
    opened = asyncio.Semaphore(0)
    async with log_in(service.url) as payer:
        tx_ref = (await payer.topup())["tx_ref"]
        stream = asyncio.create_task(last_status(payer, tx_ref, opened))
        await opened.acquire()
        service.send(signal.SIGHUP)
        assert await stream == "pending"
        assert await asyncio.to_thread(service.wait) == 0
    assert "event=server.stopping signal=SIGHUP" in service.output
    assert "event=server.stopped\n" in service.output


async def test_a_hangup_does_not_end_what_nohup_started(start_service: StartService) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # which a child inherits
    try:
        service = start_service()
    finally:
        signal.signal(signal.SIGHUP, before)
    service.send(signal.SIGHUP)
    async with http_client(service.url) as passer_by:
        assert (await passer_by.get("/healthz")).status_code == 200  # so the signal has arrived
    service.send(signal.SIGTERM)
    assert await asyncio.to_thread(service.wait) == 0
    assert "event=server.stopping signal=SIGTERM" in service.output


async def test_a_webhook_under_way_is_answered_before_the_process_ends(
    environment: dict[str, str], start_service: StartService, database_url: str
) -> None:
    environment["NAPVI_LOCK_TIMEOUT_SECONDS"] = "15"  # the lock is held until it stops
    environment["NAPVI_STATEMENT_TIMEOUT_SECONDS"] = "20"
    service = start_service()
    async with log_in(service.url) as payer, http_client() as payos:
        topup = await payer.topup()
        async with await psycopg.AsyncConnection.connect(database_url) as rival:
            await rival.execute(
                "SELECT FROM topup.topups WHERE tx_ref = %s FOR UPDATE", [topup["tx_ref"]]
            )
            reported = asyncio.create_task(deliver(payos, service.url, webhook(topup)))

            async def blocked() -> bool:
                return await (await rival.execute(BLOCKED)).fetchone() != (0,)

            await until(blocked)
            service.send(signal.SIGTERM)
            await asyncio.to_thread(service.wait_for, "event=server.stopping")
            assert not reported.done()
        assert await reported == 200
        assert await asyncio.to_thread(service.wait) == 0
    with psycopg.connect(database_url) as connection:
        status = connection.execute("SELECT status FROM topup.topups").fetchone()
    assert status == ("confirmed",)


async def test_a_load_balancer_is_told_first_and_meanwhile_everybody_is_served(
    environment: dict[str, str], start_service: StartService
) -> None:
    environment["NAPVI_DRAIN_WAIT_SECONDS"] = "5"
    service = start_service()
    opened = asyncio.Semaphore(0)
    async with log_in(service.url) as payer, http_client(service.url) as passer_by:
        topup = await payer.topup()
        stream = asyncio.create_task(last_status(payer, topup["tx_ref"], opened))
        await opened.acquire()
        assert "Connection" not in (await passer_by.get("/readyz")).headers
        service.send(signal.SIGTERM)

        async def unready() -> bool:
            return (await passer_by.get("/readyz")).status_code == 503

        await until(unready)
        assert (await passer_by.get("/healthz")).headers["Connection"] == "close"
        assert await deliver(passer_by, service.url, webhook(topup)) == 200
        assert await stream == "confirmed"
        assert await asyncio.to_thread(service.wait) == 0
    assert "event=server.stopped_hard" not in service.output


@pytest.mark.alone
async def test_a_client_that_never_reads_cannot_hold_the_process(
    environment: dict[str, str], start_service: StartService
) -> None:
    environment["NAPVI_SHUTDOWN_SECONDS_MAX"] = "3"
    service = start_service()
    opened = asyncio.Semaphore(0)
    async with log_in(service.url) as payer, never_reading(service):
        tx_ref = (await payer.topup())["tx_ref"]
        stream = asyncio.create_task(last_status(payer, tx_ref, opened))
        await opened.acquire()
        started = time.monotonic()
        service.send(signal.SIGTERM)
        assert await stream == "pending"  # the others do not suffer from it
        code = await asyncio.to_thread(service.wait)
    assert 2.5 < time.monotonic() - started < 10
    assert code == 0
    assert "event=server.stopped_hard" in service.output
