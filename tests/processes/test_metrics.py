"""Two processes of one service: whichever Prometheus asks answers for both, if they share."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.metrics.exposition import forget_process
from tests.processes.payer import SECONDS_MAX, deliver, http_client, log_in, webhook
from tests.services import PayOS, Service, StartService

pytestmark = pytest.mark.processes

OUTCOMES = ("applied", "duplicate", "bad_signature")


@pytest.fixture
async def anyone() -> AsyncIterator[httpx.AsyncClient]:
    async with http_client() as client:
        yield client


@pytest.fixture
def shared(environment: dict[str, str], tmp_path: Path) -> Path:
    """The directory of the processes that are started from now on."""
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path)
    return tmp_path


async def scrape(client: httpx.AsyncClient, service: Service) -> dict[str, float]:
    """The value of each series, under its name and the values of its labels."""
    answer = await client.get(f"{service.url}/metrics")
    assert answer.status_code == 200
    return {
        " ".join((sample.name, *sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


async def counts(client: httpx.AsyncClient, service: Service) -> list[float]:
    """Channels listened to, connections of listeners, then webhooks by outcome."""
    found = await scrape(client, service)
    names = ["napvi_channels_listened", "napvi_listener_connects_total"]
    names += [f"napvi_webhooks_total {outcome}" for outcome in OUTCOMES]
    return [found[name] for name in names]


async def work(client: httpx.AsyncClient, one: Service, other: Service) -> None:
    """A payment at one process, the same one at the other, and a forgery at both."""
    async with log_in(one.url) as payer:
        paid = webhook(await payer.topup())
    forged = paid.replace(b'"success": true', b'"success": true, "x": 1').replace(
        b"50000", b"50001"
    )
    for service, body, status in (
        (one, paid, 200),
        (other, paid, 200),
        (one, forged, 401),
        (other, forged, 401),
    ):
        assert await deliver(client, service.url, body) == status


async def test_each_process_answers_for_all_that_share(
    shared: Path, start_service: StartService, anyone: httpx.AsyncClient
) -> None:
    one, other = start_service(), start_service()
    await work(anyone, one, other)
    everything = [4, 2, 1, 1, 2]
    assert [await counts(anyone, service) for service in (one, other)] == [everything] * 2

    other.send(signal.SIGTERM)
    assert other.wait() == 0
    gone = [2, *everything[1:]]
    assert await counts(anyone, one) == gone, "what it counted stays, what it had open does not"


async def test_a_process_that_was_killed_can_be_forgotten(
    shared: Path, environment: dict[str, str], simulator: PayOS, start_service: StartService,
    anyone: httpx.AsyncClient,
) -> None:  # fmt: skip
    survivor = start_service()
    killed = Service({**environment, "PAYOS_BASE_URL": simulator.url}, "serve")
    try:
        await work(anyone, survivor, killed)
    finally:
        killed.close()
    assert await counts(anyone, survivor) == [4, 2, 1, 1, 2]
    forget_process(shared, killed.pid)
    assert await counts(anyone, survivor) == [2, 2, 1, 1, 2]


async def test_processes_that_do_not_share_answer_for_themselves(
    start_service: StartService, anyone: httpx.AsyncClient
) -> None:
    one, other = start_service(), start_service()
    await work(anyone, one, other)
    assert await counts(anyone, one) == [2, 1, 1, 0, 1]
    assert await counts(anyone, other) == [2, 1, 0, 1, 1]


async def test_the_series_are_the_same_in_both_modes(
    start_service: StartService, anyone: httpx.AsyncClient, environment: dict[str, str],
    tmp_path: Path,
) -> None:  # fmt: skip
    alone = await scrape(anyone, start_service())
    environment["PROMETHEUS_MULTIPROC_DIR"] = str(tmp_path)
    sharing = start_service()
    async with asyncio.timeout(SECONDS_MAX):
        # What a first round finds out, processes that share say from then on.
        while (await scrape(anyone, sharing)).keys() != alone.keys():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_a_directory_that_does_not_exist_refuses_the_start(
    shared: Path, environment: dict[str, str], simulator: PayOS
) -> None:
    shared.rmdir()
    with pytest.raises(AssertionError, match=r"napvi: PROMETHEUS_MULTIPROC_DIR"):
        Service({**environment, "PAYOS_BASE_URL": simulator.url}, "serve")
