"""A server seals what is recorded, and tells how far it is behind."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.laws.chain import write_history
from tests.payments import connected, open_process, query
from tests.web.service import Napvi

LAG = "SELECT events FROM audit.seal_lag"


@pytest.fixture
def service_settings() -> dict[str, Any]:
    return {"seal_seconds": 0.02, "seal_batch_max": 3}


async def metric(napvi: Napvi, name: str) -> float:
    async with napvi.visitor() as prometheus:
        answer = await prometheus.get("/metrics")
    [found] = [
        sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name
    ]
    return float(found)


async def test_events_are_sealed_without_anybody_asking(napvi: Napvi, database_url: str) -> None:
    async with open_process(database_url) as process:
        await write_history(process)
    while await query(database_url, LAG) != [(0,)]:
        pass
    assert await query(database_url, "SELECT count(*) FROM topup.event_seals") == [(8,)]
    while await metric(napvi, "napvi_events_unsealed"):
        pass
    assert await metric(napvi, "napvi_unsealed_seconds") == 0
    assert await metric(napvi, "napvi_sealer_failures_total") == 0


@pytest.mark.breaks_the_laws
async def test_a_sealer_that_fails_is_counted_and_goes_on(napvi: Napvi, database_url: str) -> None:
    async with connected(database_url) as administrator, open_process(database_url) as process:
        await administrator.execute("ALTER TABLE topup.settling RENAME TO away")
        await process.topup(50_000)
        while not await metric(napvi, "napvi_sealer_failures_total"):
            pass
        await administrator.execute("ALTER TABLE topup.away RENAME TO settling")
    while await query(database_url, LAG) != [(0,)]:
        pass
