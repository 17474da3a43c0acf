"""What Prometheus is told, by a service that works."""

import asyncio
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from prometheus_client import parser
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families

from app.http.request_rules import WEBHOOK_PATH
from app.metrics.labels import WebhookOutcome
from app.metrics.loop_lag import EVERY_SECONDS
from tests.payments import connected
from tests.stream.leasing import until, waiting_for_a_lock
from tests.web.line import eventually
from tests.web.raw_http import connection
from tests.web.service import JSON, Napvi, Payer
from tests.web.webhooks import signed, transfer_data

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
BLOCKED_SECONDS = 3 * EVERY_SECONDS

Series = tuple[str, frozenset[tuple[str, str]]]


async def scrape(napvi: Napvi, accept: str = "") -> httpx.Response:
    async with napvi.visitor() as prometheus:
        answer = await prometheus.get("/metrics", headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    return answer


async def series(napvi: Napvi) -> dict[Series, float]:
    text = (await scrape(napvi)).text
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def webhooks(napvi: Napvi) -> dict[str, float]:
    """The outcomes that there were."""
    found = {
        outcome.value: napvi.app.metrics.registry.get_sample_value(
            "napvi_webhooks_total", {"outcome": outcome}
        )
        for outcome in WebhookOutcome
    }
    return {outcome: count for outcome, count in found.items() if count}


async def tell(napvi: Napvi, body: bytes) -> int:
    async with napvi.visitor() as payos:
        return (await payos.post(WEBHOOK_PATH, content=body, headers=JSON)).status_code


async def test_prometheus_is_answered_in_the_format_that_it_asks_for(napvi: Napvi) -> None:
    plain, modern = await scrape(napvi), await scrape(napvi, OPENMETRICS)
    assert plain.headers["Content-Type"].startswith("text/plain; version=")
    assert modern.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert "napvi_streams_open 0.0" in plain.text
    assert "napvi_streams_open" in {family.name for family in open_families(modern.text)}
    assert {answer.headers["Cache-Control"] for answer in (plain, modern)} == {"no-store"}


async def test_each_webhook_counts_once_under_what_came_of_it(
    napvi: Napvi, topup: dict[str, Any]
) -> None:
    order_code, link_id = topup["order_code"], topup["checkout_url"].rpartition("/")[2]
    data = transfer_data(order_code, 20_000, paymentLinkId=link_id)
    told = {
        "applied": signed(data),
        "duplicate": signed(data),
        "conflict": signed(data | {"amount": 30_000}),
        "suspense": signed(transfer_data(999)),
        "kept": signed(data | {"amount": "many"}),
        "bad_signature": signed(data, "another key"),
        "bad_body": b"{",
    }
    seen: list[Mapping[str, float]] = []
    for body in told.values():
        await tell(napvi, body)
        seen.append(webhooks(napvi))
    names = list(told)
    assert seen == [dict.fromkeys(names[: n + 1], 1) for n in range(len(names))]
    assert await tell(napvi, b" " * (64 * 1024 + 1)) == 413
    assert webhooks(napvi)["bad_body"] == 2
    assert await napvi.app.payments.gateway.confirm_webhook(napvi.url + WEBHOOK_PATH)
    assert webhooks(napvi)["ping"] == 1


async def test_a_webhook_that_payos_has_to_send_again_is_unavailable(
    hasty: Napvi, topup: dict[str, Any], database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.topups FOR UPDATE")
        assert await tell(hasty, signed(transfer_data(topup["order_code"]))) == 503
    assert webhooks(hasty) == {"unavailable": 1}
    assert "event=webhook.refused reason=unavailable" in caplog.text


async def test_a_webhook_that_nobody_waits_for_counts_as_what_became_of_it(
    napvi: Napvi, topup: dict[str, Any], database_url: str
) -> None:
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.topups FOR UPDATE")
        sending = asyncio.create_task(tell(napvi, signed(transfer_data(topup["order_code"]))))
        await until(lambda: waiting_for_a_lock(database_url), 1)
        sending.cancel()
        await asyncio.wait({sending})
    await eventually(lambda: napvi.line.under_way == 0)
    assert webhooks(napvi) == {"suspense": 1}


async def test_who_leaves_before_all_of_a_webhook_is_here_has_hung_up(napvi: Napvi) -> None:
    async with connection(napvi.url) as (_, writer):
        writer.write(f"POST {WEBHOOK_PATH} HTTP/1.1\r\nHost: localhost\r\n".encode())
        writer.write(b"Content-Length: 100\r\n\r\n{")
        await eventually(lambda: napvi.line.under_way == 1)
    await eventually(lambda: webhooks(napvi) == {"hung_up": 1})


async def test_an_error_of_ours_is_a_failed_webhook(napvi: Napvi, database_url: str) -> None:
    async with connected(database_url) as owner:
        await owner.execute("ALTER FUNCTION topup.keep_body RENAME TO lost")
    assert await tell(napvi, signed(transfer_data(999, "many"))) == 500
    assert webhooks(napvi) == {"failed": 1}


async def test_payments_that_share_a_commit_are_one_batch(
    napvi: Napvi, topup: dict[str, Any], database_url: str
) -> None:
    before = await series(napvi)
    async with connected(database_url) as other, other.transaction():
        await other.execute("SELECT FROM topup.topups FOR UPDATE")
        bodies = [signed(transfer_data(topup["order_code"])) for _ in range(5)]
        telling = [asyncio.create_task(tell(napvi, body)) for body in bodies]
        await eventually(lambda: napvi.line.under_way == len(bodies))
    assert await asyncio.gather(*telling) == [200] * len(bodies)
    after = await series(napvi)

    def grown(name: str) -> float:
        return after[name, frozenset()] - before[name, frozenset()]

    assert grown("napvi_append_batch_facts_sum") == 5
    assert 1 <= grown("napvi_append_batch_facts_count") < 5
    assert grown("napvi_append_seconds_count") == grown("napvi_append_batch_facts_count")
    assert grown("napvi_append_seconds_sum") > 0


async def test_what_clients_do_makes_no_series_and_leaves_no_trace(
    napvi: Napvi, payer: Payer, topup: dict[str, Any]
) -> None:
    before = await series(napvi)
    async with payer.stream(topup["tx_ref"]) as stream:
        await napvi.pay(topup["order_code"], 50_000)
        await stream.rest()
    await tell(napvi, signed(transfer_data(999)))
    await tell(napvi, b"outcome=applied")
    after = await series(napvi)
    assert after.keys() == before.keys()
    assert len(after) < 400
    labels = {label for _, found in after for label in found if label[0] != "le"}
    assert all(value.replace("_", "").isalpha() for _, value in labels)
    assert topup["tx_ref"] not in (await scrape(napvi)).text


async def test_a_blocked_event_loop_shows_in_its_lag(napvi: Napvi) -> None:
    def lag_seconds() -> float:
        found = napvi.app.metrics.registry.get_sample_value("napvi_loop_lag_seconds_sum")
        return found or 0.0

    before = lag_seconds()
    time.sleep(BLOCKED_SECONDS)  # noqa: ASYNC251 that is the point
    await eventually(lambda: lag_seconds() - before > BLOCKED_SECONDS - 2 * EVERY_SECONDS)
