"""Why napvi exists: the browser streams from one process, PayOS calls another."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import psycopg
import pytest

from tests.processes.payer import Payer, deliver, http_client, log_in, webhook
from tests.services import Service, StartService

pytestmark = pytest.mark.processes

TOPUPS = 40
SECONDS_MAX = 90.0  # no sweep comes before


@pytest.fixture
def process_a(environment: dict[str, str], start_service: StartService) -> Service:
    environment["NAPVI_STREAM_SWEEP_SECONDS"] = "3600"
    environment["NAPVI_STREAMS_PER_USER_MAX"] = str(TOPUPS)
    environment["NAPVI_PAYOS_CALLS_WAITING_MAX"] = str(TOPUPS)  # all of them are opened at once
    environment["NAPVI_PAYOS_WAIT_SECONDS_MAX"] = "20"
    return start_service()


@pytest.fixture
def process_b(start_service: StartService) -> Service:
    return start_service()


@pytest.fixture
async def payer(process_a: Service) -> AsyncIterator[Payer]:
    async with log_in(process_a.url) as payer:
        yield payer


@pytest.fixture
async def payos() -> AsyncIterator[httpx.AsyncClient]:
    async with http_client() as client:
        yield client


async def test_a_payment_reported_to_one_process_reaches_the_stream_of_the_other(
    process_a: Service, process_b: Service, payer: Payer, payos: httpx.AsyncClient
) -> None:
    for streaming, reported in ((process_a, process_b), (process_b, process_a)):
        topup = await payer.topup()
        async with asyncio.timeout(SECONDS_MAX):
            statuses = []
            async for message in payer.messages(topup["tx_ref"], at=streaming.url):
                statuses.append(message.json["status"])
                if statuses == ["pending"]:
                    assert await deliver(payos, reported.url, webhook(topup)) == 200
        assert statuses == ["pending", "confirmed"]


async def test_of_forty_topups_over_two_processes_no_stream_misses_its_payment(
    process_a: Service, process_b: Service, payer: Payer, payos: httpx.AsyncClient
) -> None:
    places = (process_a.url, process_b.url)

    async def pay(number: int) -> list[str]:
        topup = await payer.topup()
        streaming, reported = places[number % 2], places[1 - number % 2]
        statuses = []
        async for message in payer.messages(topup["tx_ref"], at=streaming):
            statuses.append(message.json["status"])
            if len(statuses) == 1:
                assert await deliver(payos, reported, webhook(topup)) == 200
        return statuses

    async with asyncio.timeout(SECONDS_MAX):
        seen = await asyncio.gather(*(pay(number) for number in range(TOPUPS)))
    assert seen == [["pending", "confirmed"]] * TOPUPS
    assert await payer.balance() == TOPUPS * 50_000


async def test_twenty_copies_of_one_webhook_over_two_processes_credit_once(
    process_a: Service,
    process_b: Service,
    payer: Payer,
    payos: httpx.AsyncClient,
    database_url: str,
) -> None:
    topup = await payer.topup()
    body = webhook(topup)
    statuses = await asyncio.gather(
        *(deliver(payos, url, body) for url in (process_a.url, process_b.url) * 10)
    )
    assert statuses == [200] * 20
    with psycopg.connect(database_url) as connection:
        payments = connection.execute(
            "SELECT count(*) FROM topup.events WHERE type = 'payment.received'"
        ).fetchone()
    assert payments == (1,)
    assert await payer.balance() == 50_000
