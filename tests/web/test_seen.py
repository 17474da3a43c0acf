"""Browsers report what payers waited."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.model import iso
from tests.web.service import Napvi, Payer

SEEN = "/api/topup/seen"


def recorded(seconds_ago: float) -> dict[str, Any]:
    return {"recorded_at": iso(datetime.now(UTC) - timedelta(seconds=seconds_ago))}


def waits(napvi: Napvi) -> tuple[float, float]:
    """How many, and their sum in seconds."""
    ask = napvi.app.metrics.registry.get_sample_value
    count, total = (ask(f"napvi_commit_to_screen_seconds_{part}") for part in ("count", "sum"))
    assert count is not None and total is not None
    return count, total


async def tell(client: httpx.AsyncClient, body: object, **headers: str) -> int:
    return (await client.post(SEEN, json=body, headers=headers)).status_code


async def test_a_wait_is_the_time_from_the_recording_to_the_report(
    napvi: Napvi, payer: Payer
) -> None:
    assert await tell(payer.client, recorded(2)) == 204
    count, seconds = waits(napvi)
    assert count == 1
    assert 2 <= seconds < 10


async def test_a_database_whose_clock_is_ahead_makes_no_negative_wait(
    napvi: Napvi, payer: Payer
) -> None:
    assert await tell(payer.client, recorded(-0.9)) == 204
    count, seconds = waits(napvi)
    assert count == 1
    assert seconds >= 0


@pytest.mark.parametrize(
    "body",
    [
        recorded(-3600),
        recorded(3600),
        {"recorded_at": "9999-12-31T23:59:59Z"},
        {"recorded_at": "0001-01-01T00:00:00+14:00"},
        {"recorded_at": "2026-01-02T03:04:05"},
        {"recorded_at": "just now"},
        {"recorded_at": 1e300},
        {"recorded_at": None},
        {},
        [],
        "",
    ],
)
async def test_what_is_no_wait_is_refused(napvi: Napvi, payer: Payer, body: object) -> None:
    assert await tell(payer.client, body) == 400
    assert waits(napvi) == (0, 0)


async def test_only_our_own_pages_with_a_login_report(napvi: Napvi, payer: Payer) -> None:
    async with napvi.visitor() as visitor:
        assert await tell(visitor, recorded(1)) == 401
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert await tell(payer.client, recorded(1), **foreign) == 403
    assert waits(napvi) == (0, 0)
