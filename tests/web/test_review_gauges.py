"""What waits for a person, on `/metrics`: asked for seldom, and unknown rather than wrong."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.payments import UNKNOWN_ORDER, Process, connected, open_process, query, transfer
from tests.web.line import PATIENCE_SECONDS
from tests.web.service import Napvi

GAUGES = ("suspense_transfers", "suspense_vnd", "conflicts_open", "bodies_unread")
FRESH = {
    "metrics_review_age_seconds_max": 0.001,
    "metrics_review_timeout_seconds": float(PATIENCE_SECONDS),
}
FILL = """
    INSERT INTO topup.events (event_id, tx_ref, seq, type, data, occurred_at)
    SELECT gen_random_uuid(), t.tx_ref, t.seq + n, 'topup.linked', '{}', clock_timestamp()
    FROM topup.topups AS t, generate_series(1, 20000) AS n
"""


@pytest.fixture
def service_settings() -> dict[str, Any]:
    return FRESH


async def gauges(napvi: Napvi) -> list[str]:
    async with napvi.visitor() as prometheus:
        answer = await prometheus.get("/metrics")
    assert answer.status_code == 200
    found = {
        sample.name: str(sample.value)
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    return [found[f"napvi_{name}"] for name in GAUGES]


async def test_each_gauge_counts_what_waits_until_it_is_settled(
    napvi: Napvi, database_url: str
) -> None:
    assert await gauges(napvi) == ["0.0"] * 4
    async with open_process(database_url) as doors:
        topup = await doors.topup()
        stray, paid = transfer(UNKNOWN_ORDER, 7_000), transfer(topup.order_code, 1_000)
        told_otherwise = replace(paid, data={**paid.data, "amount": 2_000})
        await doors.store.append_events([stray, paid, told_otherwise])
        await doors.store.keep_body(b"?", "not understood")
        assert await gauges(napvi) == ["1.0", "7000.0", "1.0", "1.0"]
        async with connected(database_url, "topup_app") as person:
            waiting = (
                "SELECT event_id FROM audit.conflicts UNION ALL SELECT event_id FROM audit.suspense"
            )
            for (event_id,) in await query(database_url, waiting):
                await person.execute(
                    "SELECT topup.assign_suspense(%s, %s, 'test', 'Lan')", (event_id, topup.tx_ref)
                )
        assert await gauges(napvi) == ["0.0", "0.0", "0.0", "1.0"]
        [body] = await query(database_url, "SELECT fault FROM audit.unread_bodies")
        assert body == ("not understood",)


@pytest.mark.parametrize("service_settings", [{"metrics_review_age_seconds_max": 3_600}])
async def test_a_number_that_is_fresh_is_not_asked_for_again(
    napvi: Napvi, database_url: str
) -> None:
    before = await gauges(napvi)
    async with open_process(database_url) as doors:
        await doors.store.append_events([transfer(UNKNOWN_ORDER, 7_000)])
    assert list(await asyncio.gather(gauges(napvi), gauges(napvi))) == [before, before]


@pytest.mark.parametrize("service_settings", [FRESH | {"metrics_review_timeout_seconds": 0.05}])
async def test_a_number_that_the_database_does_not_tell_is_unknown(
    napvi: Napvi, database_url: str
) -> None:
    async with connected(database_url) as other, other.transaction():
        await other.execute("LOCK TABLE topup.payos_bodies IN ACCESS EXCLUSIVE MODE")
        assert await gauges(napvi) == ["nan"] * 4
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (found := await gauges(napvi)) == ["nan"] * 4:
            pass  # so little time may be too little once more
    assert found == ["0.0"] * 4


@pytest.mark.breaks_the_laws
async def test_the_log_is_not_read_from_end_to_end(database_url: str) -> None:
    async with open_process(database_url) as doors:
        await _fill(doors, database_url)
    async with connected(database_url) as connection:
        cursor = await connection.execute(
            "EXPLAIN SELECT suspense_vnd, conflicts_open, bodies_unread FROM audit.review_counts"
        )
        plan = "\n".join(line for (line,) in await cursor.fetchall())
    assert "events_for_review" in plan
    assert "Seq Scan on events" not in plan, plan


async def _fill(doors: Process, url: str) -> None:
    """Many events, of which one waits."""
    await doors.topup()
    await doors.store.append_events([transfer(UNKNOWN_ORDER, 7_000)])
    async with connected(url) as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(FILL)
        await connection.execute("ANALYZE topup.events")
